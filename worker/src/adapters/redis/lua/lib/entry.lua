local function read_entry(stream, entry)
  local found = redis.call('XRANGE', stream, entry, entry)
  return found[1] and found[1][2]
end

local function get_field(fields, name)
  for i = 1, #fields, 2 do
    if fields[i] == name then return fields[i + 1] end
  end
  return ''
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

local function add_entry(stream, index, id, fields)
  local entry = redis.call('XADD', stream, '*', unpack(fields))
  redis.call('HSET', index, id, entry)
end

local function delay_entry(due, due_entries, index, id, fields, at)
  redis.call('HSET', due_entries, id, cmsgpack.pack(fields))
  redis.call('ZADD', due, at, id)
  redis.call('HSET', index, id, 'due')
end

