#!lua flags=allow-oom
-- Keeps what an operator said of the number of workers in place of what was said before; nothing: the law decides.
-- KEYS: scaling-order. ARGV: field, value, and so on.
redis.call('DEL', KEYS[1])
if #ARGV > 0 then redis.call('HSET', KEYS[1], unpack(ARGV)) end
