#!lua
-- Takes new tasks of one priority, all of one call or (memory full) none. An id that waits, runs, is dead or has a
-- result is left alone. Returns a digit per task: 0 duplicate, 1 waiting, 2 delayed.
-- KEYS: the priority's stream, index, due, due-entries, dlq-order, stats. Result keys come from a prefix of the same
-- slot.
-- ARGV: result prefix, JSON of runs of tasks that differ in id and payload only: [kind, options, delay in ms, how
-- many, fresh (1 or 0)], then per task: id, payload. Fresh ids were made for this call, so they are known together: when
-- the call was made before and is sent again because its answer was lost.
-- include: now
-- include: stats
-- include: entry
local stream, index, due, due_entries, dead = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local results, runs = ARGV[1], cjson.decode(ARGV[2])
local FIRST = 3
local now = now_ms()

local ids = {}
for at = FIRST, #ARGV, 2 do ids[#ids + 1] = ARGV[at] end
local live = redis.call('HMGET', index, unpack(ids))
local any_dead = redis.call('EXISTS', dead) == 1

local states, added, seen = {}, {}, {}
local i = 0

local function has_ended(id)
  return redis.call('EXISTS', results .. id) == 1 or any_dead and redis.call('ZSCORE', dead, id)
end

-- Whether the fresh tasks from the next on are known: one of them is live, or the first has ended.
local function are_known(length)
  for at = i + 1, i + length do
    if live[at] then return true end
  end
  return has_ended(ids[i + 1])
end

local function add(id, kind, payload, options, delay)
  if delay > 0 then
    local fields = { 'id', id, 'kind', kind, 'payload', payload, 'options', options, 'at', whole(now) }
    delay_entry(due, due_entries, index, id, fields, whole(now + delay))
    return '2'
  end
  local entry
  if options == '' then
    entry = redis.call('XADD', stream, '*', 'id', id, 'kind', kind, 'payload', payload)
  else
    entry = redis.call('XADD', stream, '*', 'id', id, 'kind', kind, 'payload', payload, 'options', options)
  end
  added[#added + 1] = id
  added[#added + 1] = place_of(stream, entry)
  return '1'
end

for _, run in ipairs(runs) do
  local kind, options, delay, length, fresh = unpack(run)
  local taken = 0
  local all_new = fresh == 1 and not are_known(length)
  for _ = 1, length do
    i = i + 1
    local id = ids[i]
    if all_new or fresh == 0 and not (live[i] or seen[id] or has_ended(id)) then
      states[i] = add(id, kind, ARGV[FIRST + i * 2 - 1], options, delay)
      seen[id] = fresh == 0
      taken = taken + 1
    else
      states[i] = '0'
    end
  end
  count('enqueued:' .. kind, taken)
  count('live:' .. kind, taken)
end
if #added > 0 then redis.call('HSET', index, unpack(added)) end
apply_counts(KEYS[6])
return table.concat(states)
