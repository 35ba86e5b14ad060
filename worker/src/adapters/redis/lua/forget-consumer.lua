#!lua flags=allow-oom
-- Removes a worker that ends and its report. A consumer that still holds entries stays, for deleting it would
-- delete them from the pending list, and they would never be taken back. Returns 1 when no consumer is left.
-- KEYS: workers, workers-seen, then the stream of each priority. ARGV: group, consumer.
local FIRST_STREAM = 3
redis.call('HDEL', KEYS[1], ARGV[2])
redis.call('ZREM', KEYS[2], ARGV[2])
local gone = 1
for i = FIRST_STREAM, #KEYS do
  local held = redis.pcall('XPENDING', KEYS[i], ARGV[1], '-', '+', 1, ARGV[2])
  if held[1] then
    gone = 0
  elseif not held.err then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[i], ARGV[1], ARGV[2])
  end
end
return gone
