#!lua flags=allow-oom
-- Cancels tasks: one that waits, is delayed or parked gets the result `cancelled`, a running one is asked to stop.
-- Returns a digit per task: 0 unknown, 1 cancelled, 2 requested, 3 settled (or dead).
-- KEYS: stream, index, cancelled, stats, due, due-entries, dlq, then the result key of each task.
-- ARGV: group, result TTL in s, settled channel, control channel, prefix of parked, then per task: id.
-- include: now
-- include: stats
-- include: entry
-- include: weight
-- include: events
-- include: followers
-- include: task-rows
-- include: cancelled
local stream, index, due, due_entries = KEYS[1], KEYS[2], KEYS[5], KEYS[6]
local group, ttl = ARGV[1], ARGV[2]
local FIRST, FIRST_RESULT = 6, 7
local now = now_ms()

local function cancel(id, result_key)
  local place = redis.call('HGET', index, id)
  if not place then
    local ended = redis.call('EXISTS', result_key) == 1 or redis.call('HEXISTS', KEYS[7], id) == 1
    return ended and '3' or '0', false
  end
  local fields
  if place == 'due' or place == 'parked' then
    fields = cmsgpack.unpack(redis.call('HGET', due_entries, id))
    redis.call('HDEL', due_entries, id)
    redis.call('ZREM', place == 'due' and due or ARGV[5] .. get_field(fields, 'kind'), id)
  else
    local at, entry = find_place(stream, place)
    local pending = redis.pcall('XPENDING', at, group, entry, entry, 1)
    if not pending.err and pending[1] then
      redis.call('HSET', KEYS[3], id, whole(now) .. ':' .. ttl)
      redis.call('PUBLISH', ARGV[4], 'cancel ' .. id)
      return '2', false
    end
    fields = read_entry(at, entry)
    redis.call('XDEL', at, entry)
  end
  redis.call('HDEL', index, id)
  local new = get_digits(fields, 'attempts') == '0' and get_digits(fields, 'deliveries') == '0'
  finish_cancelled(result_key, ttl, id, fields, now, 'cancelled before it ran' .. (new and '' or ' again'))
  count_cancelled(fields)
  return '1', true
end

local states, ended = {}, {}
for i = FIRST, #ARGV do
  local gone
  states[#states + 1], gone = cancel(ARGV[i], KEYS[FIRST_RESULT + i - FIRST + 1])
  if gone then ended[#ended + 1] = ARGV[i] end
end
if #ended > 0 then redis.call('PUBLISH', ARGV[3], table.concat(ended, ' ')) end
apply_counts(KEYS[4])
emit_cancelled(KEYS[4])
return table.concat(states)
