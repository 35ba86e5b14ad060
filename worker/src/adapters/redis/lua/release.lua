#!lua flags=allow-oom
-- Hands tasks back unrun: at the tail, or due after a delay. Their attempts and deliveries stay. One that was
-- asked to stop is cancelled instead. Returns a digit per task: 1 done, 0 refused.
-- KEYS: stream, index, cancelled, stats, due, due-entries, then the result key of each task.
-- ARGV: group, consumer, settled channel, counter, delay in ms, then per task: entry, delivery count, id.
-- include: now
-- include: stats
-- include: fence
-- include: entry
-- include: drop
-- include: cancelled
local stream, group, consumer, index = KEYS[1], ARGV[1], ARGV[2], KEYS[2]
local FIRST, WIDTH, FIRST_RESULT = 6, 3, 6
local counter, delay = ARGV[4], tonumber(ARGV[5])
local now = now_ms()

local entries = {}
for i = FIRST, #ARGV, WIDTH do entries[#entries + 1] = ARGV[i] end
local held = held_entries(stream, group, consumer, entries)
local states, done, ended = {}, {}, {}
for i, entry in ipairs(entries) do
  local at = FIRST + (i - 1) * WIDTH
  local fields = is_held(held, entry, ARGV[at + 1]) and read_entry(stream, entry)
  if fields then
    local id = ARGV[at + 2]
    held[entry] = nil
    done[#done + 1] = entry
    local ttl = cancel_asked(KEYS[3], id)
    if ttl then
      finish_cancelled(KEYS[FIRST_RESULT + i], ttl, id, fields, now)
      ended[#ended + 1] = id
    elseif delay > 0 then
      delay_entry(KEYS[5], KEYS[6], index, id, fields, whole(now + delay))
    else
      add_entry(stream, index, id, fields)
    end
    count(counter, 1)
    states[i] = '1'
  else
    count('late', 1)
    states[i] = '0'
  end
end
drop_entries(stream, group, done)
if #ended > 0 then
  forget_ids(index, ended)
  forget_ids(KEYS[3], ended)
  redis.call('PUBLISH', ARGV[3], table.concat(ended, ' '))
end
apply_counts(KEYS[4])
return table.concat(states)
