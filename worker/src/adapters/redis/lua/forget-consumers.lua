#!lua flags=allow-oom
-- Removes reports and consumers that were silent for long. A consumer that holds entries stays, see
-- forget-consumer. Returns the names of the consumers removed.
-- KEYS: stream, workers, workers-seen. ARGV: group, silence in ms.
-- include: now
local silent = tonumber(ARGV[2])
local old = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now_ms() - silent)
for _, worker in ipairs(old) do
  redis.call('HDEL', KEYS[2], worker)
  redis.call('ZREM', KEYS[3], worker)
end
local removed = {}
local consumers = redis.pcall('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])
if consumers.err then return removed end
for _, pairs_of in ipairs(consumers) do
  local consumer = {}
  for i = 1, #pairs_of, 2 do consumer[pairs_of[i]] = pairs_of[i + 1] end
  if consumer.pending == 0 and consumer.idle >= silent and not redis.call('ZSCORE', KEYS[3], consumer.name) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], consumer.name)
    removed[#removed + 1] = consumer.name
  end
end
return removed
