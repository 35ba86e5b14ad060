#!lua flags=allow-oom
-- Removes reports and consumers that were silent for long. A consumer that holds entries stays, see
-- forget-consumer. Returns the names of the consumers removed.
-- KEYS: workers, workers-seen, then the stream of each priority. ARGV: group, silence in ms.
-- include: now
local FIRST_STREAM = 3
local silent = tonumber(ARGV[2])
local old = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now_ms() - silent)
for _, worker in ipairs(old) do
  redis.call('HDEL', KEYS[1], worker)
  redis.call('ZREM', KEYS[2], worker)
end

local removed, seen = {}, {}

local function forget_in(stream)
  local consumers = redis.pcall('XINFO', 'CONSUMERS', stream, ARGV[1])
  for _, pairs_of in ipairs(consumers.err and {} or consumers) do
    local consumer = {}
    for i = 1, #pairs_of, 2 do consumer[pairs_of[i]] = pairs_of[i + 1] end
    local name = consumer.name
    if consumer.pending == 0 and consumer.idle >= silent and not redis.call('ZSCORE', KEYS[2], name) then
      redis.call('XGROUP', 'DELCONSUMER', stream, ARGV[1], name)
      if not seen[name] then removed[#removed + 1] = name end
      seen[name] = true
    end
  end
end

for i = FIRST_STREAM, #KEYS do forget_in(KEYS[i]) end
return removed
