#!lua
-- Takes new tasks of one priority, all of one call or (memory full) none. An id that waits, runs, is dead or has a
-- result is left alone. Returns a digit per task: 0 duplicate, 1 waiting, 2 delayed.
-- KEYS: the priority's stream, index, due, due-entries, dlq-order, stats. Result keys come from a prefix of the same
-- slot.
-- ARGV: result prefix, JSON of runs of tasks that differ in id and payload only: [kind, options, delay in ms, how
-- many, fresh (1 or 0)], then per task: id, text (id, kind and payload with blanks between them). Fresh ids were made for
-- this call, so they are known together: when the call was made before and is sent again because its answer was lost.
-- include: now
-- include: stats
-- include: entry
-- include: weight
-- include: events
-- include: followers
local stream, index, due, due_entries, dead = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local results, runs = ARGV[1], cjson.decode(ARGV[2])
local FIRST = 3
local now = now_ms()

local any_dead = redis.call('EXISTS', dead) == 1
local place_prefix = place_of(stream, '')
local states, added, seen = {}, {}, {}

local function id_of(i)
  return ARGV[FIRST + (i - 1) * 2]
end

local function is_known(id)
  return redis.call('HEXISTS', index, id) == 1 or redis.call('EXISTS', results .. id) == 1
    or any_dead and redis.call('ZSCORE', dead, id)
end

local function add(i, id, kind, options, delay)
  local text = ARGV[FIRST + i * 2 - 1]
  if delay > 0 then
    local fields = unpack_fields({ TEXT, text, 'options', options, 'at', whole(now) })
    delay_entry(due, due_entries, index, id, fields, whole(now + delay))
    return '2'
  end
  local entry
  if options == '' then
    entry = redis.call('XADD', stream, '*', TEXT, text)
  else
    entry = redis.call('XADD', stream, '*', TEXT, text, 'options', options)
  end
  added[#added + 1] = id
  added[#added + 1] = place_prefix .. entry
  return '1'
end

-- The first of them may have ended so long ago that its result is gone; then the last tells.
local function add_fresh(first, last, kind, options, delay)
  local known = is_known(id_of(first)) or is_known(id_of(last))
  for i = first, last do states[i] = known and '0' or add(i, id_of(i), kind, options, delay) end
  return known and 0 or last - first + 1
end

local function add_given(first, last, kind, options, delay)
  local taken = 0
  for i = first, last do
    local id = id_of(i)
    if seen[id] or is_known(id) then
      states[i] = '0'
    else
      seen[id] = true
      states[i] = add(i, id, kind, options, delay)
      taken = taken + 1
    end
  end
  return taken
end

local first, rows = 1, 0
for _, run in ipairs(runs) do
  local kind, options, delay, length, fresh = unpack(run)
  local add_run = fresh == 1 and add_fresh or add_given
  local taken = add_run(first, first + length - 1, kind, options, delay)
  count('enqueued:' .. kind, taken)
  count('live:' .. kind, taken)
  first, rows = first + length, rows + taken
end
if #added > 0 then redis.call('HSET', index, unpack(added)) end
apply_counts(KEYS[6])
if rows > 0 and has_followers(KEYS[6]) then
  local ids, delays = {}, {}
  for _, run in ipairs(runs) do
    for _ = 1, run[4] do
      ids[#ids + 1] = id_of(#ids + 1)
      delays[#ids] = run[3]
    end
  end
  tell_followers(KEYS[6], ids, function(i)
    local due = states[i] == '2' and ',"due_at":' .. whole(now + delays[i]) or ''
    return states[i] ~= '0' and { state = 'queued', attempt = '0', more = ',"why":"pushed"' .. due }
  end)
end
emit(KEYS[6], 'queued', rows, function()
  local ids = {}
  for i = 1, #states do ids[i] = id_of(i) end
  return ARGV[2], ids, table.concat(states)
end)
return table.concat(states)
