#!lua flags=allow-oom
-- Puts failed tasks back: due after their delay, or at once at the tail. One that was asked to stop is
-- cancelled instead. Returns a digit per task: 1 done, 0 refused.
-- KEYS: stream, index, cancelled, stats, due, due-entries, then the result key of each task.
-- ARGV: group, consumer, settled channel, JSON of what the record is to know of the tasks ('' for nothing), then per
-- task: entry, delivery count, id, attempts, errors, delay in ms, labels, bucket, run time in ms, `handler:reason`.
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
-- include: put-back
-- include: ends
local FIRST, WIDTH, FIRST_RESULT = 5, 10, 6
local entries, ids = column(FIRST, WIDTH), column(FIRST + 2, WIDTH)
local now = now_ms()

local function retry(i)
  local fields = read_entry(KEYS[1], entries[i])
  if not fields then return nil end
  local at, id = FIRST + (i - 1) * WIDTH, ids[i]
  local ttl = cancel_asked(KEYS[3], id)
  set_field(fields, 'attempts', ARGV[at + 3])
  set_field(fields, 'errors', ARGV[at + 4])
  note_prior(fields, 'retry', entries[i])
  count_attempt(as_cancelled(ARGV[at + 6], ttl), ARGV[at + 7], ARGV[at + 8], ARGV[at + 9])
  local how = put_back(entries[i], id, fields, tonumber(ARGV[at + 5]), now, ttl, KEYS[FIRST_RESULT + i])
  if how == 'waits' then mark(i) end
  return how
end

-- The history that this attempt left, with its worker and time, is no other attempt's.
local function is_retried(i)
  local fields
  local place = redis.call('HGET', KEYS[2], ids[i])
  if place == 'due' or place == 'parked' then
    fields = cmsgpack.unpack(redis.call('HGET', KEYS[6], ids[i]))
  elseif place then
    fields = read_entry(find_place(queue_of(KEYS[1]), place))
  end
  if fields and get_field(fields, 'errors') == ARGV[FIRST + (i - 1) * WIDTH + 4] then return true end
  count('late', 1)
  return false
end

local states = end_tasks(entries, column(FIRST + 1, WIDTH), ids, retry, is_retried)
tell_followers(KEYS[4], ids, function(i)
  if not marks[i] then return nil end
  local at = FIRST + (i - 1) * WIDTH
  local reason, errors = string.match(ARGV[at + 9], '[^:]*$'), cjson.decode(ARGV[at + 4])
  local message = errors[#errors] and errors[#errors].message or ''
  local more = ',"reason":' .. cjson.encode(reason) .. ',"message":' .. cjson.encode(shortened(message)) .. ',"due_at":'
    .. whole(now + tonumber(ARGV[at + 5]))
  return { state = 'retrying', attempt = ARGV[at + 3], ran = reason ~= 'kind', more = more }
end)
emit_failed('retried', ids)
return states
