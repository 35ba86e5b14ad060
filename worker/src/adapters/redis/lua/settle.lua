#!lua flags=allow-oom
-- Ends tasks for good: result, acknowledgement and deletion in one step. Returns a digit per task: 1 done,
-- 0 refused, for the entry is no longer this consumer's.
-- KEYS: stream, index, cancelled, stats. Result keys come from a prefix of the same slot.
-- ARGV: group, consumer, settled channel, result prefix, result TTL in s, JSON of { groups: [kind, labels, bucket,
-- `handler:reason` of a failure or ''] of tasks that count alike, and per task in columns: deliveries, group (from 1),
-- ms: run time }, then per task: entry, id, result.
-- include: stats
-- include: fence
-- include: drop
-- include: ends
local FIRST, WIDTH = 7, 3
local results, ttl, counted = ARGV[4], ARGV[5], cjson.decode(ARGV[6])
local entries, ids, texts = column(FIRST, WIDTH), column(FIRST + 1, WIDTH), column(FIRST + 2, WIDTH)
local groups, group_of, ms = counted.groups, counted.group, counted.ms
local amounts, times = {}, {}

local function settle(i)
  redis.call('SET', results .. ids[i], texts[i], 'EX', ttl)
  local at = group_of[i]
  amounts[at] = (amounts[at] or 0) + 1
  times[at] = (times[at] or 0) + ms[i]
  return 'ended'
end

local function is_settled(i)
  if redis.call('GET', results .. ids[i]) == texts[i] then return true end
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
