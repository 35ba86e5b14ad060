#!lua
-- Opens a session. When its client has as many as it may have, the one that was left longest ago goes; while all are
-- connected there is no new one. The first session of all tells workers to announce what runs.
-- Returns 1, or 0 for too many.
-- KEYS: sessions, this client's sessions, the session. ARGV: prefix of the queue's keys, tag, client, holder, time until
-- its deadline, time that it counts as connected, window to resume in, time that its keys outlive the deadline (all ms),
-- most sessions of a client, most events, control channel.
-- include: now
-- include: weight
-- include: events
-- include: followers
-- include: sessions
local sessions, clients, session = KEYS[1], KEYS[2], KEYS[3]
local prefix, tag, client = ARGV[1], ARGV[2], ARGV[3]
local connected, window = tonumber(ARGV[6]), tonumber(ARGV[7])
local now, most = now_ms(), tonumber(ARGV[9])
local deadline = now + tonumber(ARGV[5])
local forgotten = deadline + tonumber(ARGV[8])

for _, old in ipairs(redis.call('ZRANGE', clients, '-inf', whole(now - window), 'BYSCORE')) do
  end_session(sessions, prefix, old)
  redis.call('ZREM', clients, old)
end
if redis.call('ZCARD', clients) >= most then
  local left = redis.call('ZRANGE', clients, '-inf', whole(now), 'BYSCORE', 'LIMIT', 0, 1)[1]
  if not left then return 0 end
  end_session(sessions, prefix, left)
  redis.call('ZREM', clients, left)
end
if redis.call('EXISTS', sessions) == 0 then redis.call('PUBLISH', ARGV[11], 'announce') end
redis.call('HSET', session, 'client', client, 'holder', ARGV[4], 'opened', whole(now), 'deadline', whole(deadline),
  'forgotten', whole(forgotten), 'most', ARGV[10])
redis.call('PEXPIREAT', session, whole(forgotten))
renew(sessions, prefix, tag, client, deadline, forgotten, connected, window)
return 1
