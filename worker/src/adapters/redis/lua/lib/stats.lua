-- Counters are summed up within a call and applied once.
local counts, sums = {}, {}

local function count(field, by)
  counts[field] = (counts[field] or 0) + by
end

-- For fields with fractions, which HINCRBY refuses.
local function sum(field, by)
  sums[field] = (sums[field] or 0) + by
end

local function apply_counts(stats)
  for field, by in pairs(counts) do
    if by ~= 0 then redis.call('HINCRBY', stats, field, by) end
  end
  for field, by in pairs(sums) do
    if by ~= 0 then redis.call('HINCRBYFLOAT', stats, field, string.format('%.3f', by)) end
  end
end

-- labels: kind:handler:status; reason: '' unless it failed.
local function count_attempt(labels, bucket, ms, fail)
  count('task:' .. labels, 1)
  count('runtime:' .. labels .. ':' .. bucket, 1)
  sum('runtime-ms:' .. labels, tonumber(ms))
  if fail ~= '' then count('fail:' .. fail, 1) end
end

