local function get_field(fields, name)
  for i = 1, #fields, 2 do
    if fields[i] == name then return fields[i + 1] end
  end
  return ''
end

-- A count or time as text; what is missing or no such number is 0, for anybody may add entries by hand.
local function get_digits(fields, name)
  return string.match(get_field(fields, name), '^%d+$') or '0'
end

-- Fields that this version does not know stay as they are.
local function set_field(fields, name, value)
  for i = 1, #fields, 2 do
    if fields[i] == name then
      fields[i + 1] = value
      return
    end
  end
  fields[#fields + 1] = name
  fields[#fields + 1] = value
end

-- The queue that a stream of some priority belongs to.
local function queue_of(stream)
  return string.match(stream, '^{(.*)}:%a+$') or stream
end

-- The stream of a queue that holds this priority (nil: normal).
local function priority_stream(queue, priority)
  return priority and '{' .. queue .. '}:' .. priority or queue
end

-- The priority that the task's options ask for (nil: normal), and the stream that holds it.
local function wanted_priority(fields)
  local priority = string.match(get_field(fields, 'options'), '"priority":"(%a+)"')
  return (priority == 'high' or priority == 'low') and priority or nil
end

local function wanted_stream(queue, fields)
  return priority_stream(queue, wanted_priority(fields))
end

-- What the index says of an entry: its id, after `high:` or `low:` in those streams.
local function place_of(stream, entry)
  local priority = string.match(stream, '^{.*}:(%a+)$')
  return priority and priority .. ':' .. entry or entry
end

-- Stream and entry id of such a place; nil for `due` and `parked`.
local function find_place(queue, place)
  local priority, entry = string.match(place, '^(%a+):(.+)$')
  if entry then return priority_stream(queue, priority), entry end
  if place ~= 'due' and place ~= 'parked' then return queue, place end
end

-- An entry holds id, kind and payload as one text, for every field costs at each of its many ways. What stands in a
-- field of another name, or has no such text, is somebody else's.
local TEXT = 'taskfleet'

local function pack_fields(fields)
  local id, kind = fields[2], fields[4]
  local is_plain = fields[1] == 'id' and fields[3] == 'kind' and fields[5] == 'payload' and fields[6] ~= ''
    and string.find(id, '^[^ ]+$') and string.find(kind, '^[^ ]+$')
  if not is_plain then return fields end
  return { TEXT, id .. ' ' .. kind .. ' ' .. fields[6], unpack(fields, 7) }
end

local function unpack_fields(packed)
  if packed[1] ~= TEXT then return packed end
  local id, kind, payload = string.match(packed[2], '^([^ ]+) ([^ ]+) (.+)$')
  if not id then return packed end
  return { 'id', id, 'kind', kind, 'payload', payload, unpack(packed, 3) }
end

-- The fields of an entry that was read. A new task says nothing of the time when it came, for its entry's id does. What
-- a foreign hand added stays as it is.
local function fields_of(found)
  local fields = unpack_fields(found[2])
  if get_field(fields, 'payload') ~= '' and get_field(fields, 'at') == '' then
    set_field(fields, 'at', string.match(found[1], '^%d+'))
  end
  return fields
end

local function read_entry(stream, entry)
  local found = redis.call('XRANGE', stream, entry, entry)
  return found[1] and fields_of(found[1])
end

-- The next attempt of a traced task can name the one before: by its entry, and why there is another.
local function note_prior(fields, why, entry)
  if string.find(get_field(fields, 'options'), '"traceparent":', 1, true) then
    set_field(fields, 'prior', why .. ' ' .. entry)
  end
end

-- An entry that came without an id keeps the one it was given.
local function add_entry(stream, index, id, fields)
  set_field(fields, 'id', id)
  local entry = redis.call('XADD', stream, '*', unpack(pack_fields(fields)))
  redis.call('HSET', index, id, place_of(stream, entry))
  return entry
end

local function delay_entry(due, due_entries, index, id, fields, at)
  set_field(fields, 'id', id)
  redis.call('HSET', due_entries, id, cmsgpack.pack(fields))
  redis.call('ZADD', due, at, id)
  redis.call('HSET', index, id, 'due')
end

