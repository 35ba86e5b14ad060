#!lua flags=allow-oom
-- Calls the parked tasks whose time has come. With a sweep it first frees the slots of entries that ended without a
-- word, of every limited kind, and looks at all kinds that have parked tasks; those of a kind that is limited no more
-- go back. Returns how many were called, and when to look again: ms of the server's clock, '' for no time.
-- KEYS: stream for the tasks that are called, index, due-entries, parked-kinds. Keys of a kind come from prefixes of
-- the same slot.
-- ARGV: group, sweep (1 or 0), prefixes of slots, starts and parked, then per limited kind: kind, concurrency, tasks,
-- per in ms.
-- include: now
-- include: entry
-- include: limits
local group, sweep = ARGV[1], ARGV[2] == '1'
local FIRST, WIDTH = 6, 4
local now = now_ms()

local laws = {}
for at = FIRST, #ARGV, WIDTH do
  local law = read_law(at)
  laws[law[1]] = law
  if sweep then free_slots(ARGV[3] .. law[1], group) end
end

local called = 0
for _, kind in ipairs(redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', sweep and '+inf' or whole(now))) do
  local keys = { KEYS[1], KEYS[2], KEYS[3], KEYS[4], ARGV[3] .. kind, ARGV[4] .. kind, ARGV[5] .. kind }
  called = called + unpark(keys, laws[kind] or { kind, 0, 0, 0 }, now)
end
local soonest = redis.call('ZRANGE', KEYS[4], 0, 0, 'WITHSCORES')[2]
local is_time = soonest and soonest ~= 'inf' and soonest ~= '+inf'
return { called, is_time and soonest or '' }
