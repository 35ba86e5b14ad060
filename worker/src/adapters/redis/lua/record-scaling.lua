#!lua flags=allow-oom
-- Keeps the scaling law's last decision.
-- KEYS: scaling. ARGV: field, value, and so on.
redis.call('HSET', KEYS[1], unpack(ARGV))
