#!lua flags=allow-oom
-- Removes dead letters, each only while it is the burial that was meant. Returns a digit per letter: 1 gone, 0 left.
-- KEYS: dlq, dlq-order. ARGV: per letter: id, buried at in ms.
local states = {}
for i = 1, #ARGV, 2 do
  local letter = redis.call('HGET', KEYS[1], ARGV[i])
  local meant = letter and string.match(letter, '"buried_at":(%d+)}$') == ARGV[i + 1]
  if meant then
    redis.call('HDEL', KEYS[1], ARGV[i])
    redis.call('ZREM', KEYS[2], ARGV[i])
  end
  states[#states + 1] = meant and '1' or '0'
end
return table.concat(states)
