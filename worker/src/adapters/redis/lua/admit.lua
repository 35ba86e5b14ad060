#!lua flags=allow-oom
-- Asks whether a held task of a limited kind may start. When it may not, or others of its kind were there first, it
-- is parked: out of the stream, with attempts and deliveries as they were and its old place in the line. One that
-- was asked to stop is cancelled instead. Returns 0 not held (any more), 1 may start, 2 parked, 3 cancelled. The same
-- call, sent again, starts nothing twice.
-- KEYS: stream, index, cancelled, stats, due-entries, parked-kinds, slots, starts, parked (the last three of the
-- kind), result of the task, stream for the tasks that are called.
-- ARGV: group, consumer, settled channel, entry, delivery count, id, kind, concurrency, tasks, per in ms.
-- include: now
-- include: stats
-- include: fence
-- include: entry
-- include: drop
-- include: weight
-- include: events
-- include: followers
-- include: task-rows
-- include: cancelled
-- include: limits
local stream, index, entries = KEYS[1], KEYS[2], KEYS[5]
local slots, starts, parked = KEYS[7], KEYS[8], KEYS[9]
local group, entry, id = ARGV[1], ARGV[4], ARGV[6]
local now = now_ms()
local law = read_law(7)
local slot = slot_of(stream, entry)
local line = { KEYS[11], index, entries, KEYS[6], slots, starts, parked }

-- When it was parked first, in microseconds, so that all that come have places of their own. In the line of its kind
-- one of high priority counts as having come an hour before, one of low priority an hour after, so none starves.
local HEAD_START = { high = -3600e6, low = 3600e6 }
local function place_in_line(fields)
  local place = get_field(fields, 'parked')
  if string.match(place, '^%d+$') then return place end
  local time = redis.call('TIME')
  return whole(time[1] * 1e6 + time[2] + (HEAD_START[wanted_priority(fields)] or 0))
end

local function park(fields)
  set_field(fields, 'id', id)
  redis.call('HSET', entries, id, cmsgpack.pack(fields))
  redis.call('ZADD', parked, place_in_line(fields), id)
  redis.call('HSET', index, id, 'parked')
  drop_entries(stream, group, { entry })
  count('parked:' .. law[1], 1)
end

local function cancel(fields, ttl)
  finish_cancelled(KEYS[10], ttl, id, fields, now, HELD)
  count_cancelled(fields)
  drop_entries(stream, group, { entry })
  forget_ids(index, { id })
  forget_ids(KEYS[3], { id })
  redis.call('PUBLISH', ARGV[3], id)
end

local function admit()
  local held = held_entries(stream, group, ARGV[2], { entry })
  if not is_held(held, entry, ARGV[5]) then return 0 end
  local state = redis.call('ZSCORE', slots, slot)
  if state == STARTED then return 1 end
  if state then redis.call('ZREM', slots, slot) end
  if (state or redis.call('EXISTS', parked) == 0) and room(law, slots, starts, now) > 0 then
    record_start(law, slots, starts, slot, now)
    return 1
  end
  local fields = read_entry(stream, entry)
  if not fields then return 0 end
  local ttl = cancel_asked(KEYS[3], id)
  if ttl then cancel(fields, ttl) else park(fields) end
  return ttl and 3 or 2
end

local answer = admit()
unpark(line, law, now)
apply_counts(KEYS[4])
emit_cancelled(KEYS[4])
return answer
