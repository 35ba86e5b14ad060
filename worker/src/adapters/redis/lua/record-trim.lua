#!lua flags=allow-oom
-- Drops the events that the record has, up to one, as far as they were not dropped for want of room. Looks at one part
-- of the stream a call. Returns whether there is more (1 or 0).
-- KEYS: record, events. ARGV: entry id of the last event, most events.
-- include: weight
local record, events = KEYS[1], KEYS[2]
local page = redis.call('XRANGE', events, '-', ARGV[1], 'COUNT', ARGV[2])
local ids, freed = {}, 0
for i, entry in ipairs(page) do
  ids[i] = entry[1]
  freed = freed + weigh(entry)
end
if #ids > 0 then redis.call('XDEL', events, unpack(ids)) end
if redis.call('XLEN', events) == 0 then
  redis.call('HSET', record, 'used', 0)
else
  redis.call('HINCRBY', record, 'used', -freed)
end
return #ids == tonumber(ARGV[2]) and 1 or 0
