-- What a purge takes: tasks of a kind ('' for any) that were pushed by a time, and how many of each kind it took.
-- Needs entry, now, stats and cancelled.
local taken = {}

local function is_meant(fields, kind, by)
  return (kind == '' or get_field(fields, 'kind') == kind) and tonumber(get_digits(fields, 'at')) <= by
end

local function tally(fields)
  local kind = get_field(fields, 'kind')
  taken[kind] = (taken[kind] or 0) + 1
end

-- A task that is gone has a result, or whoever waits for it would wait for ever.
local function end_purged(result_key, ttl, id, fields, now)
  finish_cancelled(result_key, ttl, id, fields, now, 'purged')
  count_cancelled(fields)
end

-- kind, how many, kind, how many, ...
local function tallies()
  local list = {}
  for kind, amount in pairs(taken) do
    list[#list + 1] = kind
    list[#list + 1] = amount
  end
  return list
end

