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

-- An entry that came without an id keeps the one it was given.
local function add_entry(stream, index, id, fields)
  set_field(fields, 'id', id)
  local entry = redis.call('XADD', stream, '*', unpack(fields))
  redis.call('HSET', index, id, entry)
end

local function delay_entry(due, due_entries, index, id, fields, at)
  set_field(fields, 'id', id)
  redis.call('HSET', due_entries, id, cmsgpack.pack(fields))
  redis.call('ZADD', due, at, id)
  redis.call('HSET', index, id, 'due')
end

