-- What an entry of `events` counts for.
local EVENT_OVERHEAD = 128

local function weight_of(data, ids, states)
  return EVENT_OVERHEAD + #data + #ids + #states
end

-- Its bytes, and how many tasks it tells of.
local function weigh(entry)
  local fields = {}
  for i = 1, #entry[2], 2 do fields[entry[2][i]] = entry[2][i + 1] end
  return weight_of(fields.d or '', fields.i or '', fields.s or ''), tonumber(fields.n) or 0
end
