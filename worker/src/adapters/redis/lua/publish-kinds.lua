#!lua flags=allow-oom
-- Replaces the list of kinds that the fleet runs.
-- KEYS: kinds. ARGV: kind, JSON of PublishedKind, and so on.
redis.call('DEL', KEYS[1])
for i = 1, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
return #ARGV / 2
