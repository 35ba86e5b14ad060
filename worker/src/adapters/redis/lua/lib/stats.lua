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

-- Attempts that count alike. labels: kind:handler:status; ms: all their run times; fail: '' unless they failed.
local function count_attempts(labels, bucket, ms, fail, amount)
  count('task:' .. labels, amount)
  count('runtime:' .. labels .. ':' .. bucket, amount)
  sum('runtime-ms:' .. labels, ms)
  if fail ~= '' then count('fail:' .. fail, amount) end
end

local function count_attempt(labels, bucket, ms, fail)
  count_attempts(labels, bucket, tonumber(ms), fail, 1)
end

