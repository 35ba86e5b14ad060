#!lua flags=allow-oom
-- Keeps what a process of the role api says of itself, with the time of it, and drops what is older than it may be.
-- KEYS: apis. ARGV: id, report, how long a report counts in ms.
-- include: now
local apis, oldest = KEYS[1], now_ms() - tonumber(ARGV[3])
redis.call('HSET', apis, ARGV[1], whole(now_ms()) .. ' ' .. ARGV[2])
local all = redis.call('HGETALL', apis)
for i = 1, #all, 2 do
  if tonumber(string.match(all[i + 1], '^%d+') or 0) < oldest then redis.call('HDEL', apis, all[i]) end
end
return 1
