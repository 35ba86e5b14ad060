#!lua flags=allow-oom
-- A sliding log: counts a call unless as many as are allowed were counted in the last window. A refused call is not
-- counted. Returns whether it may go on (1 or 0), how many more may now, and ms until the oldest counted call leaves.
-- KEYS: calls. ARGV: most, window in ms.
-- include: now
local calls, most, window = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
local now = now_ms()
local first = redis.call('LINDEX', calls, 0)
while first and now - tonumber(first) >= window do
  redis.call('LPOP', calls)
  first = redis.call('LINDEX', calls, 0)
end
local counted = redis.call('LLEN', calls)
if counted >= most then return { 0, 0, tonumber(first) + window - now } end
redis.call('RPUSH', calls, whole(now))
redis.call('PEXPIRE', calls, whole(window))
return { 1, most - counted - 1, tonumber(first or now) + window - now }
