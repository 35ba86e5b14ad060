#!lua flags=allow-oom
-- Renews the lease of a worker's tasks and keeps its report ('' for none).
-- Returns lost entry ids, ids of tasks asked to stop, and as one number whether the queue is paused (1) and recorded
-- (2).
-- KEYS: stream, cancelled, paused, workers, workers-seen, stats.
-- ARGV: group, consumer, report, JSON of what the record is to know of the tasks ('' for nothing), then per task:
-- entry, delivery count, id.
-- include: now
-- include: fence
-- include: weight
-- include: events
local stream, group, consumer, report = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local announced, stats = ARGV[4], KEYS[6]
local FIRST, CLAIM = 5, 1000

if report ~= '' then
  redis.call('HSET', KEYS[4], consumer, report)
  if redis.call('ZADD', KEYS[5], now_ms(), consumer) == 1 then
    local workers = redis.call('ZCARD', KEYS[5])
    local most = tonumber(redis.call('HGET', stats, 'max-workers') or 0)
    if workers > most then redis.call('HSET', stats, 'max-workers', workers) end
  end
end

local entries, ids = {}, {}
for i = FIRST, #ARGV, 3 do
  entries[#entries + 1] = ARGV[i]
  ids[#ids + 1] = ARGV[i + 2]
end
local held = held_entries(stream, group, consumer, entries)
local lost, mine, states = {}, {}, {}
for i, entry in ipairs(entries) do
  if is_held(held, entry, ARGV[FIRST + (i - 1) * 3 + 1]) then
    mine[#mine + 1] = entry
    states[i] = '1'
  else
    lost[#lost + 1] = entry
    states[i] = '0'
  end
end
for first = 1, #mine, CLAIM do
  local command = { 'XCLAIM', stream, group, consumer, 0 }
  for i = first, math.min(first + CLAIM - 1, #mine) do command[#command + 1] = mine[i] end
  command[#command + 1] = 'JUSTID'
  redis.call(unpack(command))
end

local asked = {}
if #ids > 0 and redis.call('EXISTS', KEYS[2]) == 1 then
  for _, id in ipairs(ids) do
    if redis.call('HEXISTS', KEYS[2], id) == 1 then asked[#asked + 1] = id end
  end
end

local function count_held(list)
  local rows = 0
  for _, row in ipairs(list) do
    if states[row[1]] == '1' then rows = rows + 1 end
  end
  return rows
end

if announced ~= '' then
  local told = cjson.decode(announced)
  local rows = count_held(told.began) + count_held(told.progress)
  emit(stats, 'began', rows, function() return announced, nil, table.concat(states) end)
end
local recorded = redis.call('HEXISTS', key_beside(stats, 'record'), 'bytes')
return { lost, asked, redis.call('EXISTS', KEYS[3]) + 2 * recorded }
