#!lua flags=allow-oom
-- Takes delayed tasks and retries, or parked ones, out and gives them the result `cancelled`; an id that is not (or no
-- more) there is left alone. Returns kinds with how many tasks went of each.
-- KEYS: index, stats, due or a kind's parked, due-entries, then the result key of each task.
-- ARGV: kind or '', pushed by in ms, dry run (1 or 0), result TTL in s, settled channel, then per task: id.
-- include: now
-- include: stats
-- include: entry
-- include: weight
-- include: events
-- include: followers
-- include: task-rows
-- include: cancelled
-- include: purge
local index, set, due_entries = KEYS[1], KEYS[3], KEYS[4]
local kind, by, dry, ttl = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1', ARGV[4]
local FIRST, FIRST_RESULT = 6, 5
local now = now_ms()

local gone = {}
for i = FIRST, #ARGV do
  local id = ARGV[i]
  local packed = redis.call('ZSCORE', set, id) and redis.call('HGET', due_entries, id)
  local fields = packed and cmsgpack.unpack(packed)
  if fields and is_meant(fields, kind, by) then
    tally(fields)
    if not dry then
      end_purged(KEYS[FIRST_RESULT + i - FIRST], ttl, id, fields, now)
      gone[#gone + 1] = id
    end
  end
end
if #gone > 0 then
  redis.call('HDEL', due_entries, unpack(gone))
  redis.call('ZREM', set, unpack(gone))
  redis.call('HDEL', index, unpack(gone))
  redis.call('PUBLISH', ARGV[5], table.concat(gone, ' '))
end
apply_counts(KEYS[2])
emit_cancelled(KEYS[2])
return tallies()
