#!lua flags=allow-oom
-- Ends tasks for good: result, acknowledgement and deletion in one step. Returns a digit per task: 1 done,
-- 0 refused, for the entry is no longer this consumer's.
-- KEYS: stream, index, cancelled, stats, then the result key of each task.
-- ARGV: group, consumer, settled channel, result TTL in s, then per task: entry, delivery count, id, kind,
-- labels, bucket, run time in ms, `handler:reason` of a failure or '', result.
-- include: stats
-- include: fence
-- include: drop
-- include: ends
local FIRST, WIDTH, FIRST_RESULT = 5, 9, 4

local function settle(at, i)
  redis.call('SET', KEYS[FIRST_RESULT + i], ARGV[at + 8], 'EX', ARGV[4])
  count('live:' .. ARGV[at + 3], -1)
  count_attempt(ARGV[at + 4], ARGV[at + 5], ARGV[at + 6], ARGV[at + 7])
  return 'ended'
end

local function is_settled(at, i)
  if redis.call('GET', KEYS[FIRST_RESULT + i]) == ARGV[at + 8] then return true end
  count('late', 1)
  return false
end

return end_tasks(FIRST, WIDTH, settle, is_settled)
