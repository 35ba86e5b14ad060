#!lua flags=allow-oom
-- Drops the events that the record has, up to one. Looks at one part of the stream a call. Those that were dropped for
-- want of room after they were read are not lost. Returns whether there is more (1 or 0), and of how many tasks the
-- dropped ones told.
-- KEYS: record, events. ARGV: entry id of the last event, most events, of how many tasks all of them told ('': unknown).
-- include: weight
local record, events = KEYS[1], KEYS[2]
local page = redis.call('XRANGE', events, '-', ARGV[1], 'COUNT', ARGV[2])
local ids, freed, dropped = {}, 0, 0
for i, entry in ipairs(page) do
  local bytes, rows = weigh(entry)
  ids[i] = entry[1]
  freed, dropped = freed + bytes, dropped + rows
end
local more = #ids == tonumber(ARGV[2])
local missing = (tonumber(ARGV[3]) or dropped) - dropped
if not more and missing > 0 then redis.call('HINCRBY', record, 'lost', -missing) end
if #ids == 0 then return { 0, 0 } end
redis.call('XDEL', events, unpack(ids))
if redis.call('XLEN', events) == 0 then
  redis.call('HSET', record, 'used', 0)
else
  redis.call('HINCRBY', record, 'used', -freed)
end
return { more and 1 or 0, dropped }
