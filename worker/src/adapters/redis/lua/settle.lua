#!lua flags=allow-oom
-- Ends tasks for good: result, acknowledgement and deletion in one step. Returns a digit per task: 1 done,
-- 0 refused, for the entry is no longer this consumer's.
-- KEYS: stream, index, cancelled, stats. Result keys come from a prefix of the same slot.
-- ARGV: group, consumer, settled channel, result prefix, result TTL in s, JSON of { groups: [kind, labels, bucket,
-- `handler:reason` of a failure or ''] of tasks that count alike, and per task in columns: deliveries, group (from 1),
-- ms: run time }, then all entries, all ids, all results.
-- include: now
-- include: stats
-- include: fence
-- include: drop
-- include: ends
local FIRST = 7
local results, counted = ARGV[4], cjson.decode(ARGV[6])
local tasks = (#ARGV - FIRST + 1) / 3
local entries = { unpack(ARGV, FIRST, FIRST + tasks - 1) }
local ids = { unpack(ARGV, FIRST + tasks, FIRST + 2 * tasks - 1) }
local TEXTS = FIRST + 2 * tasks - 1
-- As the append-only file holds it: otherwise Redis would write every command anew.
local expires = whole(now_ms() + ARGV[5] * 1000)
local groups, group_of, ms = counted.groups, counted.group, counted.ms
local amounts, times = {}, {}

local function settle(i)
  redis.call('SET', results .. ids[i], ARGV[TEXTS + i], 'PXAT', expires)
  local at = group_of[i]
  amounts[at] = (amounts[at] or 0) + 1
  times[at] = (times[at] or 0) + ms[i]
  return 'ended'
end

local function is_settled(i)
  if redis.call('GET', results .. ids[i]) == ARGV[TEXTS + i] then return true end
  count('late', 1)
  return false
end

local function count_groups()
  for at, amount in pairs(amounts) do
    local kind, labels, bucket, fail = unpack(groups[at])
    count('live:' .. kind, -amount)
    count_attempts(labels, bucket, times[at], fail, amount)
  end
end

return end_tasks(entries, counted.deliveries, ids, settle, is_settled, count_groups)
