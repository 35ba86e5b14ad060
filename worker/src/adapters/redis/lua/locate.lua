-- Where tasks are, all seen at one moment. Changes nothing. Per task a text: `held <ms of silence> <stream> <entry>
-- <consumer>`, `waiting`, `ended` (has a result or is a dead letter) or `gone`.
-- KEYS: stream, index, dlq. Result keys come from a prefix of the same slot. ARGV: group, result prefix, ids.
-- include: entry
local queue, group, results = KEYS[1], ARGV[1], ARGV[2]
local found = {}
for i = 3, #ARGV do
  local id, answer = ARGV[i], 'gone'
  local place = redis.call('HGET', KEYS[2], id)
  if place then
    answer = 'waiting'
    local stream, entry = find_place(queue, place)
    local pending = stream and redis.pcall('XPENDING', stream, group, entry, entry, 1)
    if pending and not pending.err and pending[1] then
      answer = 'held ' .. pending[1][3] .. ' ' .. stream .. ' ' .. entry .. ' ' .. pending[1][2]
    end
  elseif redis.call('EXISTS', results .. id) == 1 or redis.call('HEXISTS', KEYS[3], id) == 1 then
    answer = 'ended'
  end
  found[#found + 1] = answer
end
return found
