#!lua flags=allow-oom
-- Has every event to come get an id after this one, also where the server's clock is behind it or its data are older.
-- KEYS: events. ARGV: id.
local function parts(id)
  local ms, sequence = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(ms), tonumber(sequence)
end

local events, id = KEYS[1], ARGV[1]
if redis.call('EXISTS', events) == 0 then
  redis.call('XADD', events, id, 't', '')
  redis.call('XDEL', events, id)
  return
end
local info, last = redis.call('XINFO', 'STREAM', events), nil
for i = 1, #info, 2 do
  if info[i] == 'last-generated-id' then last = info[i + 1] end
end
local ms, sequence = parts(id)
local last_ms, last_sequence = parts(last)
if last_ms < ms or (last_ms == ms and last_sequence < sequence) then redis.call('XSETID', events, id) end
