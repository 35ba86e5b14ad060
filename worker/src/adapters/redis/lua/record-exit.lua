#!lua flags=allow-oom
-- Counts a worker's end once, whoever reports it, and drops its report. Returns 1 for the first report.
-- KEYS: exits, stats, workers, workers-seen. ARGV: worker id, reason, how long ends are remembered in ms.
-- include: now
local now = now_ms()
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[3]))
redis.call('HDEL', KEYS[3], ARGV[1])
redis.call('ZREM', KEYS[4], ARGV[1])
if redis.call('ZADD', KEYS[1], 'NX', now, ARGV[1]) == 0 then return 0 end
redis.call('HINCRBY', KEYS[2], 'exit:' .. ARGV[2], 1)
return 1
