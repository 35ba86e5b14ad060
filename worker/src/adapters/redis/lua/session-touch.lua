#!lua flags=allow-oom
-- Renews sessions that are connected, or, with no time that they count as connected, leaves them; and ends those that
-- nobody resumed in time. Returns a digit per session: 0 gone, 1 renewed, 2 held by another connection.
-- KEYS: sessions. ARGV: prefix of the queue's keys, time that they count as connected, window to resume in (both ms), then
-- per session: tag, holder.
-- include: now
-- include: weight
-- include: events
-- include: followers
-- include: sessions
local sessions, prefix = KEYS[1], ARGV[1]
local connected, window = tonumber(ARGV[2]), tonumber(ARGV[3])
local FIRST, MOST_ENDED = 4, 100
local now, states = now_ms(), {}
for at = FIRST, #ARGV, 2 do
  local tag = ARGV[at]
  local found = redis.call('HMGET', prefix .. 'session:' .. tag, 'client', 'holder', 'deadline', 'forgotten')
  if not found[1] then
    states[#states + 1] = '0'
  elseif found[2] ~= ARGV[at + 1] then
    states[#states + 1] = '2'
  else
    renew(sessions, prefix, tag, found[1], tonumber(found[3]), tonumber(found[4]), connected, window)
    states[#states + 1] = '1'
  end
end
for _, tag in ipairs(redis.call('ZRANGE', sessions, '-inf', whole(now), 'BYSCORE', 'LIMIT', 0, MOST_ENDED)) do
  end_session(sessions, prefix, tag)
end
return table.concat(states)
