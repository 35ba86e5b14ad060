#!lua
-- Takes new tasks of one priority, all of one call or (memory full) none. An id that waits, runs, is dead or has a
-- result is left alone. Returns a digit per task: 0 duplicate, 1 waiting, 2 delayed.
-- KEYS: the priority's stream, index, due, due-entries, dlq-order, stats. Result keys come from a prefix of the same
-- slot.
-- ARGV: result prefix, JSON of runs of tasks that differ in id and payload only: [kind, options, delay in ms, how
-- many], then per task: id, payload.
-- include: now
-- include: stats
-- include: entry
local stream, index, due, due_entries, dead = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local results, runs = ARGV[1], cjson.decode(ARGV[2])
local FIRST = 3
local now = now_ms()

local ids, result_keys = {}, {}
for at = FIRST, #ARGV, 2 do
  ids[#ids + 1] = ARGV[at]
  result_keys[#ids] = results .. ARGV[at]
end
local live = redis.call('HMGET', index, unpack(ids))
local buried = redis.call('EXISTS', dead) == 1 and redis.call('ZMSCORE', dead, unpack(ids)) or {}
local any_result = redis.call('EXISTS', unpack(result_keys)) > 0

local states, added, seen = {}, {}, {}
local i = 0

local function is_known(id)
  return live[i] or buried[i] or seen[id] or (any_result and redis.call('EXISTS', result_keys[i]) == 1)
end

local function add(id, kind, payload, options, delay)
  if delay > 0 then
    local fields = { 'id', id, 'kind', kind, 'payload', payload, 'options', options, 'at', whole(now) }
    delay_entry(due, due_entries, index, id, fields, whole(now + delay))
    return '2'
  end
  local entry
  if options == '' then
    entry = redis.call('XADD', stream, '*', 'id', id, 'kind', kind, 'payload', payload)
  else
    entry = redis.call('XADD', stream, '*', 'id', id, 'kind', kind, 'payload', payload, 'options', options)
  end
  added[#added + 1] = id
  added[#added + 1] = place_of(stream, entry)
  return '1'
end

for _, run in ipairs(runs) do
  local kind, options, delay, length = unpack(run)
  local taken = 0
  for _ = 1, length do
    i = i + 1
    local id = ids[i]
    if is_known(id) then
      states[i] = '0'
    else
      states[i] = add(id, kind, ARGV[FIRST + i * 2 - 1], options, delay)
      seen[id] = true
      taken = taken + 1
    end
  end
  count('enqueued:' .. kind, taken)
  count('live:' .. kind, taken)
end
if #added > 0 then redis.call('HSET', index, unpack(added)) end
apply_counts(KEYS[6])
return table.concat(states)
