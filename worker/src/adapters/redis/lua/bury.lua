#!lua flags=allow-oom
-- Moves tasks to the dead-letter queue. Returns a digit per task: 1 done, 0 refused.
-- KEYS: stream, index, cancelled, stats, dlq, dlq-order, requeued.
-- ARGV: group, consumer, settled channel, then per task: entry, delivery count, id, kind, labels, bucket, run
-- time in ms, `handler:reason`, dead letter (JSON text that wants its last field, the time, and the brace).
-- include: now
-- include: stats
-- include: fence
-- include: drop
-- include: burial
local stream, group, consumer = KEYS[1], ARGV[1], ARGV[2]
local FIRST, WIDTH = 4, 9
local now = now_ms()

local entries = {}
for i = FIRST, #ARGV, WIDTH do entries[#entries + 1] = ARGV[i] end
local held = held_entries(stream, group, consumer, entries)
local states, done, ids = {}, {}, {}
for i, entry in ipairs(entries) do
  local at = FIRST + (i - 1) * WIDTH
  if is_held(held, entry, ARGV[at + 1]) then
    local id = ARGV[at + 2]
    held[entry] = nil
    done[#done + 1] = entry
    ids[#ids + 1] = id
    keep_letter(KEYS[5], KEYS[6], KEYS[7], id, ARGV[at + 8], now)
    count('live:' .. ARGV[at + 3], -1)
    count_attempt(ARGV[at + 4], ARGV[at + 5], ARGV[at + 6], ARGV[at + 7])
    states[i] = '1'
  else
    count('late', 1)
    states[i] = '0'
  end
end
if #done > 0 then
  drop_entries(stream, group, done)
  forget_ids(KEYS[2], ids)
  forget_ids(KEYS[3], ids)
  redis.call('PUBLISH', ARGV[3], table.concat(ids, ' '))
end
apply_counts(KEYS[4])
return table.concat(states)
