#!lua flags=allow-oom
-- Asks to call a service. Returns how long not to, in ms (0: go ahead), and for the one call that tries an open
-- circuit a name that no other has, else ''.
-- KEYS: circuit. ARGV: open time in ms.
-- include: now
local circuit, open_ms = KEYS[1], tonumber(ARGV[1])
local state = redis.call('HMGET', circuit, 'open-until', 'probe-until')
if not state[1] then return { 0, '' } end
local now = now_ms()
local wait = math.max(tonumber(state[1]), tonumber(state[2] or 0)) - now
if wait > 0 then return { math.min(wait, open_ms), '' } end
-- One whose worker died is followed by another.
local probe = table.concat(redis.call('TIME'), '.')
redis.call('HSET', circuit, 'probe', probe, 'probe-until', whole(now + open_ms))
return { 0, probe }
