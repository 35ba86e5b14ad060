#!lua flags=allow-oom
-- Ends tasks for good: result, acknowledgement and deletion in one step. Returns a digit per task: 1 done,
-- 0 refused, for the entry is no longer this consumer's.
-- KEYS: stream, index, cancelled, stats, then the result key of each task.
-- ARGV: group, consumer, result TTL in s, settled channel, then per task: entry, delivery count, id, kind,
-- labels, bucket, run time in ms, `handler:reason` of a failure or '', result.
-- include: stats
-- include: fence
-- include: drop
local stream, group, consumer, ttl = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local FIRST, WIDTH, FIRST_RESULT = 5, 9, 4

local entries = {}
for i = FIRST, #ARGV, WIDTH do entries[#entries + 1] = ARGV[i] end
local held = held_entries(stream, group, consumer, entries)
local states, done, ids = {}, {}, {}
for i, entry in ipairs(entries) do
  local at = FIRST + (i - 1) * WIDTH
  local result_key, result = KEYS[FIRST_RESULT + i], ARGV[at + 8]
  if is_held(held, entry, ARGV[at + 1]) then
    held[entry] = nil
    done[#done + 1] = entry
    ids[#ids + 1] = ARGV[at + 2]
    redis.call('SET', result_key, result, 'EX', ttl)
    count('live:' .. ARGV[at + 3], -1)
    count_attempt(ARGV[at + 4], ARGV[at + 5], ARGV[at + 6], ARGV[at + 7])
    states[i] = '1'
  elseif redis.call('GET', result_key) == result then
    -- The same call, sent again because the connection broke before its answer came.
    states[i] = '1'
  else
    count('late', 1)
    states[i] = '0'
  end
end
if #done > 0 then
  drop_entries(stream, group, done)
  forget_ids(KEYS[2], ids)
  if redis.call('EXISTS', KEYS[3]) == 1 then forget_ids(KEYS[3], ids) end
  redis.call('PUBLISH', ARGV[4], table.concat(ids, ' '))
end
apply_counts(KEYS[4])
return table.concat(states)
