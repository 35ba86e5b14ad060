#!lua flags=allow-oom
-- Workers take no further task until `resume`. Returns 1 when the queue was not paused before.
-- KEYS: paused. ARGV: control channel.
-- include: now
local set = redis.call('SET', KEYS[1], whole(now_ms()), 'NX')
redis.call('PUBLISH', ARGV[1], 'pause')
return set and 1 or 0
