local DROP = 1000

-- Acknowledges and deletes entries that have an end or a successor.
local function drop_entries(stream, group, entries)
  for first = 1, #entries, DROP do
    local last = math.min(first + DROP - 1, #entries)
    redis.call('XACK', stream, group, unpack(entries, first, last))
    redis.call('XDEL', stream, unpack(entries, first, last))
  end
end

local function forget_ids(hash, ids)
  for first = 1, #ids, DROP do
    redis.call('HDEL', hash, unpack(ids, first, math.min(first + DROP - 1, #ids)))
  end
end

