#!lua
-- Takes new tasks, all of one call or (memory full) none. An id that waits, runs, is dead or has a result is
-- left alone. Returns a digit per task: 0 duplicate, 1 waiting, 2 delayed.
-- KEYS: stream, index, due, due-entries, dlq-order, stats, then the result key of each task.
-- ARGV: entry version, then per task: id, kind, payload, options, delay in ms.
-- include: now
-- include: stats
-- include: entry
local stream, index, due, due_entries, dead = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local FIRST_RESULT = 6
local version, tasks = ARGV[1], (#ARGV - 1) / 5
local now = now_ms()
local at = whole(now)

local ids = {}
for i = 1, tasks do ids[i] = ARGV[i * 5 - 3] end
local live = redis.call('HMGET', index, unpack(ids))
local buried = redis.call('EXISTS', dead) == 1 and redis.call('ZMSCORE', dead, unpack(ids)) or {}
local any_result = redis.call('EXISTS', unpack(KEYS, FIRST_RESULT + 1)) > 0

local states, added, seen = {}, {}, {}
for i = 1, tasks do
  local id = ids[i]
  if live[i] or buried[i] or seen[id] or (any_result and redis.call('EXISTS', KEYS[FIRST_RESULT + i]) == 1) then
    states[i] = '0'
  else
    seen[id] = true
    local kind, payload, options = ARGV[i * 5 - 2], ARGV[i * 5 - 1], ARGV[i * 5]
    local delay = tonumber(ARGV[i * 5 + 1])
    if delay > 0 then
      delay_entry(due, due_entries, index, id, { 'v', version, 'id', id, 'kind', kind, 'payload', payload,
        'options', options, 'at', at, 'attempts', '0', 'deliveries', '0', 'errors', '' }, whole(now + delay))
      states[i] = '2'
    else
      added[#added + 1] = id
      added[#added + 1] = redis.call('XADD', stream, '*', 'v', version, 'id', id, 'kind', kind, 'payload', payload,
        'options', options, 'at', at, 'attempts', '0', 'deliveries', '0', 'errors', '')
      states[i] = '1'
    end
    count('enqueued:' .. kind, 1)
    count('live:' .. kind, 1)
  end
end
if #added > 0 then redis.call('HSET', index, unpack(added)) end
apply_counts(KEYS[6])
return table.concat(states)
