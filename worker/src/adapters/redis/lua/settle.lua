#!lua flags=allow-oom
-- Ends tasks for good: result, acknowledgement and deletion in one step. Acknowledging is the fence: an entry is
-- delivered once, and whoever ends its task or gives it a successor acknowledges it. Returns a digit per task: 1 done,
-- 0 refused, for the entry was taken back.
-- KEYS: stream, index, cancelled, stats. Result keys come from a prefix of the same slot.
-- ARGV: group, settled channel, result prefix, result TTL in s, JSON of groups of tasks that count alike [kind, labels,
-- bucket, `handler:reason` of a failure or '', how many, ms: all their run times, back end that could not keep their results, if
-- any], JSON of what is each task's own
-- { group: from 1, ms: run time } and, for the record, `told`, then all entries, all ids, all results.
-- include: now
-- include: stats
-- include: entry
-- include: weight
-- include: events
-- include: followers
local FIRST = 7
local stream, index, cancelled = KEYS[1], KEYS[2], KEYS[3]
local group, channel, results = ARGV[1], ARGV[2], ARGV[3]
local groups = cjson.decode(ARGV[5])
local tasks = (#ARGV - FIRST + 1) / 3
local entries = { unpack(ARGV, FIRST, FIRST + tasks - 1) }
local ids = { unpack(ARGV, FIRST + tasks, FIRST + 2 * tasks - 1) }
local TEXTS = FIRST + 2 * tasks - 1
-- As the append-only file holds it: otherwise Redis would write every command anew.
local expires = whole(now_ms() + ARGV[4] * 1000)
local states = string.rep('1', tasks)
local all_ids, all_held = ids, states

local function keep_result(i)
  redis.call('SET', results .. ids[i], ARGV[TEXTS + i], 'PXAT', expires)
end

-- Whether an entry that is acknowledged now was so by this call: its task has no other place, or it is there yet. What
-- is acknowledged must get its end, so nothing here may raise an error.
local function was_held(i)
  return redis.pcall('HGET', index, ids[i]) == place_of(stream, entries[i])
    or #redis.call('XRANGE', stream, entries[i], entries[i]) > 0
end

-- Keeps those that were held, and counts the others out of their groups. What this very call, sent again, ended
-- before is no late end.
local function keep_held()
  local own, held, digits = cjson.decode(ARGV[6]), {}, {}
  local ended, gone, taken = {}, {}, {}
  for i = 1, tasks do
    held[i] = not taken[entries[i]] and was_held(i)
    taken[entries[i]] = true
  end
  for i = 1, tasks do
    if held[i] then
      keep_result(i)
      ended[#ended + 1] = entries[i]
      gone[#gone + 1] = ids[i]
      digits[i] = '1'
    else
      local counts_with = groups[own.group[i]]
      counts_with[5], counts_with[6] = counts_with[5] - 1, counts_with[6] - own.ms[i]
      digits[i] = redis.pcall('GET', results .. ids[i]) == ARGV[TEXTS + i] and '1' or '0'
      if digits[i] == '0' then count('late', 1) end
    end
  end
  for i = 1, tasks do held[i] = held[i] and '1' or '0' end
  return ended, gone, table.concat(digits), table.concat(held)
end

if redis.call('XACK', stream, group, unpack(entries)) == tasks then
  for i = 1, tasks do keep_result(i) end
else
  entries, ids, states, all_held = keep_held()
end
if #ids > 0 then
  redis.call('XDEL', stream, unpack(entries))
  redis.call('HDEL', index, unpack(ids))
  if redis.call('EXISTS', cancelled) == 1 then redis.call('HDEL', cancelled, unpack(ids)) end
  redis.call('PUBLISH', channel, table.concat(ids, ' '))
end
for _, counted in ipairs(groups) do
  local kind, labels, bucket, fail, amount, ms, unsaved = unpack(counted)
  if amount > 0 then
    if unsaved then count('unsaved:' .. unsaved, amount) end
    count('live:' .. kind, -amount)
    count_attempts(labels, bucket, ms, fail, amount)
  end
end
apply_counts(KEYS[4])
tell_followers(KEYS[4], all_ids, function(i)
  if string.sub(all_held, i, i) == '0' then return nil end
  local event, ran = end_in(ARGV[TEXTS + i])
  event.ran = ran
  return event
end)
emit(KEYS[4], 'settled', #ids, function() return '[' .. ARGV[5] .. ',' .. ARGV[6] .. ']', all_ids, all_held end)
return states
