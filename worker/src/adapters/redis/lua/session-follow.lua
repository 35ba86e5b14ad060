#!lua
-- Lets a session follow tasks, and tells it how they stand, also one that it follows already. One that has ended is told and
-- not followed; one that nobody knows is told as `unknown` and followed, for it may come. Returns how many tasks the session
-- follows then; -1 when they would be too many, and -2 for no session: nothing is done then.
-- KEYS: session, followed, stats, index, due-entries, dlq. Result keys come from a prefix of the same slot.
-- ARGV: tag, group, queue's stream, result prefix, most tasks of a session, only open (1: nothing is told of tasks that
-- ended, are unknown or followed already), then ids.
-- include: now
-- include: entry
-- include: weight
-- include: events
-- include: followers
-- include: sessions
local session, followed, stats = KEYS[1], KEYS[2], KEYS[3]
local tag, group, queue = ARGV[1], ARGV[2], ARGV[3]
local only_open = ARGV[6] == '1'
local FIRST, HEAD = 7, 32767
local now = now_ms()

local function waiting(id, place)
  local packed = redis.call('HGET', KEYS[5], id)
  local fields = packed and cmsgpack.unpack(packed) or {}
  local due = place == 'due' and redis.call('ZSCORE', key_beside(stats, 'due'), id)
  local more = due and ',"due_at":' .. whole(tonumber(due)) or ''
  if place == 'due' and get_field(fields, 'errors') ~= '' then
    return { state = 'retrying', attempt = get_digits(fields, 'attempts'), more = more }
  end
  return { state = 'queued', attempt = '0', more = more }
end

local function state_of(id)
  local place = redis.call('HGET', KEYS[4], id)
  if place == 'due' or place == 'parked' then return waiting(id, place) end
  if place then
    local at, entry = find_place(queue, place)
    local pending = redis.pcall('XPENDING', at, group, entry, entry, 1)
    if pending.err or not pending[1] then return { state = 'queued', attempt = '0' } end
    local fields = read_entry(at, entry)
    return { state = 'running', attempt = whole(tonumber(get_digits(fields or {}, 'attempts')) + 1), held = true }
  end
  -- All but the output, which is last.
  local result = redis.call('GETRANGE', ARGV[4] .. id, 0, HEAD)
  if result ~= '' then return (end_in(result)) end
  local letter = redis.call('HGET', KEYS[6], id)
  if letter then return { state = 'dead', attempt = number_in(letter, 'attempts') or '0' } end
  return { state = 'unknown', attempt = '0' }
end

if redis.call('EXISTS', session) == 0 then return -2 end
local new, known, is_seen = {}, {}, {}
for at = FIRST, #ARGV do
  local id = ARGV[at]
  if not is_seen[id] then
    local list = redis.call('HEXISTS', session, 'task:' .. id) == 0 and new or known
    list[#list + 1] = id
    is_seen[id] = true
  end
end
if redis.call('HLEN', session) - FIXED + #new > tonumber(ARGV[5]) then return -1 end
local told = false
for _, id in ipairs(new) do
  local event = state_of(id)
  local over = LAST[event.state]
  if not over or not only_open then
    redis.call('HSET', session, 'task:' .. id, '0')
    if not (only_open and event.state == 'unknown') then told = tell_session(session, id, event, now) or told end
    if not over then redis.call('HSET', followed, id, (redis.call('HGET', followed, id) or '') .. ' ' .. tag) end
  end
end
local forgotten = redis.call('HGET', session, 'forgotten')
if not only_open then
  local most = redis.call('HGET', session, 'most')
  for _, id in ipairs(known) do
    local event = state_of(id)
    -- What the session knows of its attempt stays, so that what is told next is told as if it had not asked.
    add_event(session, most, forgotten, event_text(id, event.state, event.attempt, event.more, now))
    told = true
  end
end
if redis.call('EXISTS', followed) == 1 then keep_until(followed, tonumber(forgotten)) end
if told then redis.call('PUBLISH', key_beside(stats, 'session-news'), tag) end
return redis.call('HLEN', session) - FIXED
