#!lua flags=allow-oom
-- Removes a worker that ends and its report. A consumer that still holds entries stays, for deleting it would
-- delete them from the pending list, and they would never be taken back. Returns 1 when the consumer is gone.
-- KEYS: stream, workers, workers-seen. ARGV: group, consumer.
redis.call('HDEL', KEYS[2], ARGV[2])
redis.call('ZREM', KEYS[3], ARGV[2])
local held = redis.pcall('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2])
if held.err then return 1 end
if held[1] then return 0 end
redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
return 1
