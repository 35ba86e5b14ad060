#!lua flags=allow-oom
-- Puts failed tasks back: due after their delay, or at once at the tail. One that was asked to stop is
-- cancelled instead. Returns a digit per task: 1 done, 0 refused.
-- KEYS: stream, index, cancelled, stats, due, due-entries, then the result key of each task.
-- ARGV: group, consumer, settled channel, then per task: entry, delivery count, id, attempts, errors, delay in
-- ms, labels, bucket, run time in ms, `handler:reason`.
-- include: now
-- include: stats
-- include: fence
-- include: entry
-- include: drop
-- include: cancelled
-- include: put-back
-- include: ends
local FIRST, WIDTH, FIRST_RESULT = 4, 10, 6
local now = now_ms()

local function retry(at, i)
  local fields = read_entry(KEYS[1], ARGV[at])
  if not fields then return nil end
  local id = ARGV[at + 2]
  local ttl = cancel_asked(KEYS[3], id)
  set_field(fields, 'attempts', ARGV[at + 3])
  set_field(fields, 'errors', ARGV[at + 4])
  count_attempt(as_cancelled(ARGV[at + 6], ttl), ARGV[at + 7], ARGV[at + 8], ARGV[at + 9])
  return put_back(ARGV[at], id, fields, tonumber(ARGV[at + 5]), now, ttl, KEYS[FIRST_RESULT + i])
end

-- The history that this attempt left, with its worker and time, is no other attempt's.
local function is_retried(at)
  local id = ARGV[at + 2]
  local entry = redis.call('HGET', KEYS[2], id)
  local fields = entry == 'due' and cmsgpack.unpack(redis.call('HGET', KEYS[6], id))
    or entry and read_entry(KEYS[1], entry)
  if fields and get_field(fields, 'errors') == ARGV[at + 4] then return true end
  count('late', 1)
  return false
end

return end_tasks(FIRST, WIDTH, retry, is_retried)
