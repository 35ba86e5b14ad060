#!lua
-- Puts dead letters back as new tasks with their error history, each burial at most once. The record comes
-- with the call, so that an export works in an empty Redis; with kind '' the id is only looked up.
-- Returns a digit per task: 0 unknown, 1 requeued, 2 waiting, 3 running, 4 settled, 5 already requeued.
-- KEYS: queue's stream, index, stats, dlq, dlq-order, requeued, then the result key of each task.
-- ARGV: group, how long burials are remembered in ms, dry run (1 or 0), then per task: id,
-- buried at, kind, payload, options, enqueued at, errors.
-- include: now
-- include: stats
-- include: entry
-- include: weight
-- include: events
-- include: followers
-- include: task-rows
local stream, index, requeued = KEYS[1], KEYS[2], KEYS[6]
local group, dry = ARGV[1], ARGV[3] == '1'
local FIRST, WIDTH, FIRST_RESULT = 4, 7, 6
local now = now_ms()

local function state_of(id, buried_at, kind, result_key)
  local place = redis.call('HGET', index, id)
  if place then
    local at, entry = find_place(stream, place)
    local pending = entry and redis.pcall('XPENDING', at, group, entry, entry, 1)
    return pending and not pending.err and pending[1] and '3' or '2'
  end
  if redis.call('EXISTS', result_key) == 1 then return '4' end
  if kind == '' then return '0' end
  if redis.call('ZSCORE', requeued, id .. '@' .. buried_at) then return '5' end
  return '1'
end

local states, seen, told = {}, {}, {}
for at = FIRST, #ARGV, WIDTH do
  local i = #states + 1
  local id, buried_at, kind = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local state = state_of(id, buried_at, kind, KEYS[FIRST_RESULT + i])
  if state == '1' and seen[id] then state = '2' end
  if state == '1' then
    seen[id] = true
    if not dry then
      redis.call('ZADD', requeued, now, id .. '@' .. buried_at)
      local letter = redis.call('HGET', KEYS[4], id)
      if letter then
        -- A newer burial of the same id ends with this requeue too, or one task would run twice.
        local newer = string.match(letter, '"buried_at":(%d+)}$')
        if newer then redis.call('ZADD', requeued, now, id .. '@' .. newer) end
        redis.call('HDEL', KEYS[4], id)
        redis.call('ZREM', KEYS[5], id)
      end
      local fields = { 'id', id, 'kind', kind, 'payload', ARGV[at + 3], 'options', ARGV[at + 4], 'at', ARGV[at + 5],
        'errors', ARGV[at + 6] }
      add_entry(wanted_stream(stream, fields), index, id, fields)
      count('live:' .. kind, 1)
      count('requeued', 1)
      told[#told + 1] = { id, fields }
    end
  end
  states[i] = state
end
if not dry then redis.call('ZREMRANGEBYSCORE', requeued, '-inf', now - tonumber(ARGV[2])) end
apply_counts(KEYS[3])
tell_noted(KEYS[3], told, 'queued', ',"why":"requeued"')
emit(KEYS[3], 'requeued', #told, function() return encode_rows(told) end)
return table.concat(states)
