#!lua flags=allow-oom
-- Takes waiting tasks out of a stream and gives them the result `cancelled`; what a worker holds is left alone.
-- Looks at one part of the stream a call. Returns where the next call goes on ('' at the end), and kinds with how
-- many tasks went of each.
-- KEYS: stream, index, stats. Result keys come from a prefix of the same slot, because only the entries tell the ids.
-- ARGV: kind or '', pushed by in ms, dry run (1 or 0), result TTL in s, settled channel, group, from entry (exclusive,
-- or '-'), to entry, scan size, result prefix.
-- include: now
-- include: stats
-- include: entry
-- include: weight
-- include: events
-- include: followers
-- include: task-rows
-- include: cancelled
-- include: purge
local stream, index, group = KEYS[1], KEYS[2], ARGV[6]
local kind, by, dry, ttl = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1', ARGV[4]
local now = now_ms()

local page = redis.call('XRANGE', stream, ARGV[7] == '-' and '-' or '(' .. ARGV[7], ARGV[8], 'COUNT', ARGV[9])
if #page == 0 then return { '', {} } end

-- More may be pending than the page holds: entries that somebody deleted by hand stay pending.
local held, from = {}, page[1][1]
repeat
  local pending = redis.pcall('XPENDING', stream, group, from, page[#page][1], ARGV[9])
  if pending.err then break end
  for _, found in ipairs(pending) do held[found[1]] = true end
  local more = #pending == tonumber(ARGV[9])
  if more then from = '(' .. pending[#pending][1] end
until not more

local gone, ids = {}, {}
for _, found in ipairs(page) do
  local entry, fields = found[1], fields_of(found)
  if not held[entry] and is_meant(fields, kind, by) then
    tally(fields)
    if not dry then
      local id = get_field(fields, 'id')
      if id == '' then id = entry end
      local owner = redis.call('HGET', index, id)
      -- The id of an entry that was added by hand may be another task's.
      if not owner or owner == place_of(stream, entry) then
        end_purged(ARGV[10] .. id, ttl, id, fields, now)
        ids[#ids + 1] = id
      end
      gone[#gone + 1] = entry
    end
  end
end
if #gone > 0 then redis.call('XDEL', stream, unpack(gone)) end
if #ids > 0 then
  redis.call('HDEL', index, unpack(ids))
  redis.call('PUBLISH', ARGV[5], table.concat(ids, ' '))
end
apply_counts(KEYS[3])
emit_cancelled(KEYS[3])
return { page[#page][1], tallies() }
