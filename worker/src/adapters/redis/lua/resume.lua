#!lua flags=allow-oom
-- Ends a pause. Returns 1 when the queue was paused.
-- KEYS: paused. ARGV: control channel.
local gone = redis.call('DEL', KEYS[1])
redis.call('PUBLISH', ARGV[1], 'resume')
return gone
