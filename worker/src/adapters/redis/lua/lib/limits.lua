-- The limits of one kind. A law is { kind, concurrency, tasks, per }: so many slots, so many starts in any `per` ms;
-- 0 for no such limit. A slot is held by a stream entry and ends with it, whoever ends the entry: CALLED while an
-- unparked task waits in the stream, STARTED once a worker may run it. The last starts are kept in a list, so that
-- the window slides: a start counts for exactly `per` ms. Needs entry and now.
local CALLED, STARTED = '0', '1'
-- Most tasks unparked in one call.
local MOST_UNPARKED = 1000

local function read_law(at)
  return { ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]) }
end

-- An entry id is unique in its stream only.
local function slot_of(stream, entry)
  return stream .. ' ' .. entry
end

local function is_gone(group, slot, state)
  local stream, entry = string.match(slot, '^(%S+) (%S+)$')
  if state == CALLED then return not redis.call('XRANGE', stream, entry, entry)[1] end
  local pending = redis.pcall('XPENDING', stream, group, entry, entry, 1)
  return pending.err ~= nil or pending[1] == nil
end

-- Frees a slot whose entry has ended.
local function free_slot(slots, group, slot)
  local state = redis.call('ZSCORE', slots, slot)
  if state and is_gone(group, slot, state) then redis.call('ZREM', slots, slot) end
end

local function free_slots(slots, group)
  for _, slot in ipairs(redis.call('ZRANGE', slots, 0, -1)) do free_slot(slots, group, slot) end
end

local function forget_starts(starts, per, now)
  local first = redis.call('LINDEX', starts, 0)
  while first and now - tonumber(first) >= per do
    redis.call('LPOP', starts)
    first = redis.call('LINDEX', starts, 0)
  end
  return first
end

-- How many may be started or called now, and when the next may (nil: when a slot is freed). What is called will
-- start, so it has its place in the window already.
local function room(law, slots, starts, now)
  local _, concurrency, tasks, per = unpack(law)
  local free = math.huge
  if concurrency > 0 then free = concurrency - redis.call('ZCARD', slots) end
  if tasks == 0 then return free, nil end
  local first = forget_starts(starts, per, now)
  local left = tasks - redis.call('LLEN', starts) - redis.call('ZCOUNT', slots, CALLED, CALLED)
  local next_start = first and free > 0 and left <= 0 and tonumber(first) + per or nil
  return math.min(free, left), next_start
end

local function record_start(law, slots, starts, slot, now)
  redis.call('ZADD', slots, STARTED, slot)
  if law[3] == 0 then return end
  redis.call('RPUSH', starts, whole(now))
  redis.call('PEXPIRE', starts, whole(law[4]))
end

-- Calls as many parked tasks back to the stream as may start, in the order of the line, and notes when to look again.
-- keys: stream for them, index, due-entries, parked-kinds, slots, starts, parked (the last three of this kind).
-- Returns how many.
local function unpark(keys, law, now)
  local stream, index, entries, kinds, slots, starts, parked = unpack(keys)
  local free = room(law, slots, starts, now)
  local most = math.min(free, MOST_UNPARKED)
  local line = most > 0 and redis.call('ZRANGE', parked, 0, most - 1, 'WITHSCORES') or {}
  for i = 1, #line, 2 do
    local id = line[i]
    local packed = redis.call('HGET', entries, id)
    if packed then
      local fields = cmsgpack.unpack(packed)
      set_field(fields, 'parked', line[i + 1])
      local entry = add_entry(stream, index, id, fields)
      redis.call('ZADD', slots, CALLED, slot_of(stream, entry))
      redis.call('HDEL', entries, id)
    end
    redis.call('ZREM', parked, id)
  end
  if redis.call('EXISTS', parked) == 0 then
    redis.call('ZREM', kinds, law[1])
  else
    local left, next_start = room(law, slots, starts, now)
    redis.call('ZADD', kinds, left > 0 and '0' or next_start and whole(next_start) or '+inf', law[1])
  end
  return #line / 2
end
