local EXACT_LOOKUPS, PAGE = 4, 500

-- Which of these entries, in the stream's order, the consumer holds: entry id -> delivery count. A group that is gone holds nothing.
local function held_entries(stream, group, consumer, wanted)
  local held = {}
  if #wanted <= EXACT_LOOKUPS then
    for _, entry in ipairs(wanted) do
      local found = redis.pcall('XPENDING', stream, group, entry, entry, 1, consumer)
      if not found.err and found[1] then held[entry] = found[1][4] end
    end
    return held
  end
  local from, to = wanted[1], wanted[#wanted]
  repeat
    local page = redis.pcall('XPENDING', stream, group, from, to, PAGE, consumer)
    if page.err then return held end
    for _, pending in ipairs(page) do held[pending[1]] = pending[4] end
    if #page == PAGE then from = '(' .. page[PAGE][1] end
  until #page < PAGE
  return held
end

-- The fence: this consumer, at this delivery.
local function is_held(held, entry, delivery)
  return held[entry] == tonumber(delivery)
end

