-- Sessions of the API (contract/sessions.ts). `sessions` holds when each ends unless it is renewed; `sessions-of:<client>`
-- until when each of a client's counts as connected. Needs now and followers.
local FIXED = 6

-- Takes a session away, with all that it follows.
local function end_session(sessions, prefix, tag)
  local session = prefix .. 'session:' .. tag
  local fields = redis.call('HGETALL', session)
  for i = 1, #fields, 2 do
    local id = string.match(fields[i], '^task:(.*)$')
    if id then drop_follower(prefix .. 'followed', id, tag) end
    if fields[i] == 'client' then redis.call('ZREM', prefix .. 'sessions-of:' .. fields[i + 1], tag) end
  end
  redis.call('DEL', session, session .. ':events')
  redis.call('ZREM', sessions, tag)
end

-- A set outlives all that is in it, and no more.
local function keep_until(key, time)
  if redis.call('PTTL', key) < time - now_ms() then redis.call('PEXPIREAT', key, whole(time)) end
end

-- Connected for so long, then resumable for `window`, but not beyond its deadline.
local function renew(sessions, prefix, tag, client, deadline, forgotten, connected, window)
  local until_then = math.min(now_ms() + connected, deadline)
  local clients = prefix .. 'sessions-of:' .. client
  redis.call('ZADD', clients, whole(until_then), tag)
  redis.call('ZADD', sessions, whole(math.min(until_then + window, deadline)), tag)
  keep_until(clients, forgotten)
  keep_until(sessions, forgotten)
end
