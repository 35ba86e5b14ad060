#!lua flags=allow-oom
-- Renews the lease of a worker's tasks and keeps its report ('' for none).
-- Returns lost entry ids, ids of tasks asked to stop, and as one number whether the queue is paused (1), recorded (2)
-- and followed by sessions (4).
-- KEYS: stream, cancelled, paused, workers, workers-seen, stats.
-- ARGV: group, consumer, report, JSON of what the record and sessions are to know of the tasks ('' for nothing), then per task:
-- entry, delivery count, id.
-- include: now
-- include: fence
-- include: weight
-- include: events
-- include: followers
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

local function tell_began(rows)
  local began = {}
  for i, row in ipairs(rows) do began[i] = row[2] end
  tell_followers(stats, began, function(i)
    local place, attempts, started = rows[i][1], rows[i][4], rows[i][7]
    if states[place] ~= '1' then return nil end
    return { state = 'running', attempt = whole(attempts + 1), started = ',"started_at":' .. whole(started) }
  end)
end

-- Nobody keeps it: who is away hears of the next.
local function tell_progress(rows)
  if #rows == 0 or not has_followers(stats) then return end
  local followed = key_beside(stats, 'followed')
  for _, row in ipairs(rows) do
    local followers = states[row[1]] == '1' and redis.call('HGET', followed, row[2])
    if followers then
      local news = { to = followers, id = row[2], done = row[3], note = row[4] }
      redis.call('PUBLISH', key_beside(stats, 'session-news'), cjson.encode(news))
    end
  end
end

if announced ~= '' then
  local told = cjson.decode(announced)
  local rows = count_held(told.began) + count_held(told.progress)
  emit(stats, 'began', rows, function() return announced, nil, table.concat(states) end)
  tell_began(told.began)
  tell_progress(told.progress)
end
local recorded = redis.call('HEXISTS', key_beside(stats, 'record'), 'bytes')
local followed = redis.call('EXISTS', key_beside(stats, 'sessions'))
return { lost, asked, redis.call('EXISTS', KEYS[3]) + 2 * recorded + 4 * followed }
