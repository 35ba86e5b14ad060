#!lua flags=allow-oom
-- Counts a worker's end once, whoever reports it, and drops its reports. Returns 1 for the first report.
-- KEYS: exits, stats, workers, workers-seen. ARGV: id, reason, how long ends are remembered in ms, further ids of its reports.
-- include: now
local now = now_ms()
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[3]))
for i = 1, #ARGV do
  if i ~= 2 and i ~= 3 then
    redis.call('HDEL', KEYS[3], ARGV[i])
    redis.call('ZREM', KEYS[4], ARGV[i])
  end
end
if redis.call('ZADD', KEYS[1], 'NX', now, ARGV[1]) == 0 then return 0 end
redis.call('HINCRBY', KEYS[2], 'exit:' .. ARGV[2], 1)
return 1
