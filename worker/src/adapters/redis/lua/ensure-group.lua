#!lua flags=allow-oom
-- Creates the consumer group of a stream, from its first entry on. Returns 1 when it was missing.
-- KEYS: stream. ARGV: group.
local made = redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[1], '0', 'MKSTREAM')
if not made.err then return 1 end
if string.find(made.err, 'BUSYGROUP', 1, true) then return 0 end
return made
