#!lua flags=allow-oom
-- Hands tasks back unrun: at the tail, or due after a delay. Their attempts and deliveries stay. One that was
-- asked to stop is cancelled instead. Returns a digit per task: 1 done, 0 refused, which counts as no late end.
-- KEYS: stream, index, cancelled, stats, due, due-entries, then the result key of each task.
-- ARGV: group, consumer, settled channel, counter, delay in ms, then per task: entry, delivery count, id.
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
local FIRST, WIDTH, FIRST_RESULT = 6, 3, 6
local entries, ids = column(FIRST, WIDTH), column(FIRST + 2, WIDTH)
local counter, delay = ARGV[4], tonumber(ARGV[5])
local now = now_ms()

local told = {}
local function hand_back(i)
  local fields = read_entry(KEYS[1], entries[i])
  if not fields then return nil end
  local id = ids[i]
  local ttl = cancel_asked(KEYS[3], id)
  if ttl then count_cancelled(fields) end
  count(counter, 1)
  local how = put_back(entries[i], id, fields, delay, now, ttl, KEYS[FIRST_RESULT + i])
  if how == 'waits' then told[#told + 1] = { id, fields } end
  return how
end

local states = end_tasks(entries, column(FIRST + 1, WIDTH), ids, hand_back, function() return false end)
tell_noted(KEYS[4], told, 'queued', ',"why":"released"')
emit(KEYS[4], 'back', #told, function() return '{"delay":' .. whole(delay) .. ',"rows":' .. encode_rows(told) .. '}' end)
emit_cancelled(KEYS[4])
return states
