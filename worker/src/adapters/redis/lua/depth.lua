#!lua flags=no-writes
-- Depth of the queue at one moment. Returns waiting, running, delayed, due, dead letters, paused, oldest idle ms,
-- kinds with how many tasks are parked of each, then waiting tasks by priority, in the order of the streams.
-- KEYS: due, dlq-order, paused, parked-kinds, then the stream of each priority.
-- ARGV: group, most pending entries to look at, prefix of parked.
-- include: now
local due, group, most = KEYS[1], ARGV[1], ARGV[2]
local FIRST_STREAM = 5
local now = now_ms()
local waiting, running, oldest, waiting_in = 0, 0, 0, {}

local function group_of(stream)
  local groups = redis.pcall('XINFO', 'GROUPS', stream)
  for _, found in ipairs(groups.err and {} or groups) do
    local info = {}
    for i = 1, #found, 2 do info[found[i]] = found[i + 1] end
    if info.name == group then return info.pending, info['last-delivered-id'] end
  end
  return 0, '0-0'
end

local function look_at(stream)
  local pending, delivered = group_of(stream)
  local first = redis.call('XRANGE', stream, '(' .. delivered, '+', 'COUNT', 1)[1]
  if first then oldest = math.max(oldest, now - tonumber(string.match(first[1], '^%d+'))) end
  if pending > 0 then
    for _, held in ipairs(redis.call('XPENDING', stream, group, '-', '+', most)) do
      oldest = math.max(oldest, held[3])
    end
  end
  local here = math.max(0, redis.call('XLEN', stream) - pending)
  waiting_in[#waiting_in + 1] = here
  waiting, running = waiting + here, running + pending
end

local parked = {}
for _, kind in ipairs(redis.call('ZRANGE', KEYS[4], 0, -1)) do
  parked[#parked + 1] = kind
  parked[#parked + 1] = redis.call('ZCARD', ARGV[3] .. kind)
end
for i = FIRST_STREAM, #KEYS do look_at(KEYS[i]) end
return {
  waiting, running, redis.call('ZCARD', due), redis.call('ZCOUNT', due, '-inf', now),
  redis.call('ZCARD', KEYS[2]), redis.call('EXISTS', KEYS[3]), oldest, parked, unpack(waiting_in),
}
