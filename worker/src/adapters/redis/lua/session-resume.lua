#!lua flags=allow-oom
-- Goes on with a session, here instead of wherever it was. Returns ms until its deadline, the number of its last event and
-- how many tasks it follows; or nothing when this client has no such session, or not any more, or when it has no such
-- event: then nothing is done.
-- KEYS: sessions, the session, its events. ARGV: prefix of the queue's keys, tag, client, holder, time that it counts as
-- connected, window to resume in (both ms), channel of news, number of the last event that the client has.
-- include: now
-- include: weight
-- include: events
-- include: followers
-- include: sessions
local sessions, session, events = KEYS[1], KEYS[2], KEYS[3]
local prefix, tag, client = ARGV[1], ARGV[2], ARGV[3]
local now = now_ms()
local found = redis.call('HMGET', session, 'client', 'deadline', 'forgotten')
if found[1] ~= client then return {} end
local deadline, over = tonumber(found[2]), tonumber(redis.call('ZSCORE', sessions, tag) or 0)
if over <= now or deadline <= now then
  end_session(sessions, prefix, tag)
  return {}
end
local last = 0
if redis.call('EXISTS', events) == 1 then
  local info = redis.call('XINFO', 'STREAM', events)
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then last = tonumber(string.match(info[i + 1], '%d+$')) end
  end
end
if tonumber(ARGV[8]) > last then return {} end
redis.call('HSET', session, 'holder', ARGV[4])
renew(sessions, prefix, tag, client, deadline, tonumber(found[3]), tonumber(ARGV[5]), tonumber(ARGV[6]))
redis.call('PUBLISH', ARGV[7], '!' .. tag .. ' ' .. ARGV[4])
return { deadline - now, last, redis.call('HLEN', session) - FIXED }
