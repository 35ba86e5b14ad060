#!lua flags=allow-oom
-- KEYS: the mark. Writes something, so that WAIT has something to wait for.
redis.call('SET', KEYS[1], '', 'EX', 60)
