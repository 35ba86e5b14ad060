#!lua flags=allow-oom
-- Gives a consumer waiting tasks of one queue: of each priority its share, then what is left over to whoever has
-- more. Nothing while the queue is paused. Returns as one number whether it is paused (1), recorded (2) and followed by
-- sessions (4), then per priority its name and its entries as a flat list: head, text. A head is the entry's id, and after a blank JSON of the
-- fields beside the text when there are any; of what has no such text it is JSON of the list of all fields.
-- KEYS: stream, paused, record, sessions.
-- ARGV: group, consumer, how many in all, then per priority in the order of their ranks: name ('' for normal), share.
-- include: entry
local queue, group, consumer, count = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3])
local switches = 2 * redis.call('HEXISTS', KEYS[3], 'bytes') + 4 * redis.call('EXISTS', KEYS[4])
if redis.call('EXISTS', KEYS[2]) == 1 then return { switches + 1 } end

-- What is put back keeps its fields' order.
local function pack(list, entry, fields)
  local is_task = fields[1] == TEXT
  if not is_task then
    entry = entry .. ' ' .. cjson.encode(fields)
  elseif #fields > 2 then
    local others = {}
    for i = 3, #fields, 2 do others[fields[i]] = fields[i + 1] end
    entry = entry .. ' ' .. cjson.encode(others)
  end
  list[#list + 1] = entry
  list[#list + 1] = is_task and fields[2] or ''
end

local function read(from, most, list)
  local claim = { 'XREADGROUP', 'GROUP', group, consumer, 'COUNT', most, 'STREAMS', from, '>' }
  local found = redis.pcall(unpack(claim))
  if found and found.err then
    -- What other streams gave is claimed already: a missing group must not end the call.
    redis.call('XGROUP', 'CREATE', from, group, '0', 'MKSTREAM')
    found = redis.call(unpack(claim))
  end
  local entries = found and found[1][2] or {}
  for _, entry in ipairs(entries) do pack(list, entry[1], entry[2]) end
  return #entries
end

local lists, more, left = {}, {}, count
for at = 4, #ARGV, 2 do
  local name, share = ARGV[at], tonumber(ARGV[at + 1])
  local from, list = priority_stream(queue, name ~= '' and name or nil), {}
  lists[#lists + 1] = { name, list }
  local got = share > 0 and read(from, share, list) or 0
  left = left - got
  if got == share then more[#more + 1] = { from, list } end
end
for _, one in ipairs(more) do
  if left > 0 then left = left - read(one[1], left, one[2]) end
end
local answer = { switches }
for _, named in ipairs(lists) do
  if #named[2] > 0 then
    answer[#answer + 1] = named[1]
    answer[#answer + 1] = named[2]
  end
end
return answer
