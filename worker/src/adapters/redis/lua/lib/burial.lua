-- Keeps a dead letter. A burial is known by id and time, so one that was requeued within this very
-- millisecond pushes the next on.
local function keep_letter(letters, order, requeued, id, letter, now)
  while redis.call('ZSCORE', requeued, id .. '@' .. whole(now)) do now = now + 1 end
  redis.call('HSET', letters, id, letter .. ',"buried_at":' .. whole(now) .. '}')
  redis.call('ZADD', order, now, id)
end

