#!lua flags=allow-oom
-- Moves tasks whose time has come to the tail of the stream of their priority, oldest first. Returns how many and the next due time.
-- KEYS: stream, index, due, due-entries. ARGV: most.
-- include: now
-- include: entry
local stream, index, due, due_entries = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local ids = redis.call('ZRANGEBYSCORE', due, '-inf', now_ms(), 'LIMIT', 0, ARGV[1])
for _, id in ipairs(ids) do
  local packed = redis.call('HGET', due_entries, id)
  if packed then
    local fields = cmsgpack.unpack(packed)
    add_entry(wanted_stream(stream, fields), index, id, fields)
    redis.call('HDEL', due_entries, id)
  end
  redis.call('ZREM', due, id)
end
local next_due = redis.call('ZRANGE', due, 0, 0, 'WITHSCORES')
return { #ids, next_due[2] or '' }
