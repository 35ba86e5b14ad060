#!lua flags=allow-oom
-- Ends a session, unless another connection holds it. Returns whether it did (1 or 0).
-- KEYS: sessions, the session. ARGV: prefix of the queue's keys, tag, holder.
-- include: now
-- include: weight
-- include: events
-- include: followers
-- include: sessions
if redis.call('HGET', KEYS[2], 'holder') ~= ARGV[3] then return 0 end
end_session(KEYS[1], ARGV[1], ARGV[2])
return 1
