#!lua flags=allow-oom
-- A session follows these tasks no more. Returns how many it still follows.
-- KEYS: session, followed. ARGV: tag, then ids.
-- include: now
-- include: weight
-- include: events
-- include: followers
-- include: sessions
local FIRST = 2
for at = FIRST, #ARGV do
  if redis.call('HDEL', KEYS[1], 'task:' .. ARGV[at]) == 1 then drop_follower(KEYS[2], ARGV[at], ARGV[1]) end
end
return math.max(0, redis.call('HLEN', KEYS[1]) - FIXED)
