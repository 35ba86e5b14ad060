#!lua flags=allow-oom
-- Moves tasks to the dead-letter queue. One that was asked to stop is cancelled instead. Returns a digit per
-- task: 1 done, 0 refused.
-- KEYS: stream, index, cancelled, stats, dlq, dlq-order, requeued, then the result key of each task.
-- ARGV: group, consumer, settled channel, JSON of what the record is to know of the tasks ('' for nothing), then per
-- task: entry, delivery count, id, kind, labels, bucket, run time in ms, `handler:reason`, attempts, dead letter (JSON
-- text that wants its last field, the time, and the brace).
-- include: now
-- include: stats
-- include: fence
-- include: entry
-- include: drop
-- include: weight
-- include: events
-- include: followers
-- include: task-rows
-- include: cancelled
-- include: burial
-- include: ends
local FIRST, WIDTH, FIRST_RESULT = 5, 10, 7
local entries, ids = column(FIRST, WIDTH), column(FIRST + 2, WIDTH)
local now = now_ms()

local function bury(i)
  local at, id = FIRST + (i - 1) * WIDTH, ids[i]
  local ttl = cancel_asked(KEYS[3], id)
  local fields = ttl and read_entry(KEYS[1], entries[i])
  if fields then
    set_field(fields, 'attempts', ARGV[at + 8])
    finish_cancelled(KEYS[FIRST_RESULT + i], ttl, id, fields, now, HELD)
  else
    keep_letter(KEYS[5], KEYS[6], KEYS[7], id, ARGV[at + 9], now)
    count('live:' .. ARGV[at + 3], -1)
    mark(i)
  end
  count_attempt(as_cancelled(ARGV[at + 4], fields), ARGV[at + 5], ARGV[at + 6], ARGV[at + 7])
  return 'ended'
end

local function is_buried(i)
  local letter, prefix = redis.call('HGET', KEYS[5], ids[i]), ARGV[FIRST + (i - 1) * WIDTH + 9]
  if letter and string.sub(letter, 1, #prefix) == prefix then return true end
  count('late', 1)
  return false
end

local states = end_tasks(entries, column(FIRST + 1, WIDTH), ids, bury, is_buried)
tell_followers(KEYS[4], ids, function(i)
  if not marks[i] then return nil end
  local at = FIRST + (i - 1) * WIDTH
  local reason = string.match(ARGV[at + 7], '[^:]*$')
  local more = ',"reason":' .. cjson.encode(reason)
  return { state = 'dead', attempt = ARGV[at + 8], ran = reason ~= 'kind', more = more }
end)
emit_failed('buried', ids)
return states
