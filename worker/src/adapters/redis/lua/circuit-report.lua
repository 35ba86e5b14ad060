#!lua flags=allow-oom
-- Tells how a call of a service ended. Returns 'opened' or 'closed' when that changed the circuit, else ''.
-- KEYS: circuit, circuits-open, stats.
-- ARGV: name, verdict (success, failure, none), probe or '', failures that open it, open time in ms, time to
-- keep the circuit in ms.
-- include: now
local circuit, listed = KEYS[1], KEYS[2]
local name, verdict, probe, limit, open_ms, keep_ms =
  ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])

local function open()
  local now = now_ms()
  redis.call('HSET', circuit, 'open-until', whole(now + open_ms))
  redis.call('HDEL', circuit, 'failures', 'probe', 'probe-until')
  redis.call('PEXPIRE', circuit, keep_ms)
  redis.call('ZREMRANGEBYSCORE', listed, '-inf', whole(now))
  redis.call('ZADD', listed, whole(now + keep_ms), name)
  redis.call('PEXPIRE', listed, keep_ms)
  redis.call('HINCRBY', KEYS[3], 'circuit-opened', 1)
  return 'opened'
end

local state = redis.call('HMGET', circuit, 'open-until', 'probe')
if not state[1] then
  if verdict == 'success' then redis.call('DEL', circuit) end
  if verdict ~= 'failure' then return '' end
  local failures = redis.call('HINCRBY', circuit, 'failures', 1)
  redis.call('PEXPIRE', circuit, open_ms)
  return failures >= limit and open() or ''
end
-- A call that began before the circuit opened, or was given up as a probe, says nothing of the service now.
if probe == '' or probe ~= state[2] then return '' end
if verdict == 'failure' then return open() end
if verdict == 'none' then
  redis.call('HDEL', circuit, 'probe', 'probe-until')
  return ''
end
redis.call('DEL', circuit)
redis.call('ZREM', listed, name)
return 'closed'
