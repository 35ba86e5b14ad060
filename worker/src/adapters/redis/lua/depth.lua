#!lua flags=no-writes
-- Depth of the queue at one moment. Returns waiting, running, delayed, due, dead letters, paused, oldest idle ms.
-- KEYS: stream, due, dlq-order, paused. ARGV: group, most pending entries to look at.
-- include: now
local stream, due, group = KEYS[1], KEYS[2], ARGV[1]
local now = now_ms()
local running, oldest, delivered = 0, 0, '0-0'
local groups = redis.pcall('XINFO', 'GROUPS', stream)
if not groups.err then
  for _, found in ipairs(groups) do
    local info = {}
    for i = 1, #found, 2 do info[found[i]] = found[i + 1] end
    if info.name == group then
      running, delivered = info.pending, info['last-delivered-id']
    end
  end
end
local waiting = redis.call('XRANGE', stream, '(' .. delivered, '+', 'COUNT', 1)[1]
if waiting then oldest = math.max(0, now - tonumber(string.match(waiting[1], '^%d+'))) end
if running > 0 then
  for _, pending in ipairs(redis.call('XPENDING', stream, group, '-', '+', ARGV[2])) do
    oldest = math.max(oldest, pending[3])
  end
end
return {
  math.max(0, redis.call('XLEN', stream) - running), running, redis.call('ZCARD', due),
  redis.call('ZCOUNT', due, '-inf', now), redis.call('ZCARD', KEYS[3]), redis.call('EXISTS', KEYS[4]), oldest,
}
