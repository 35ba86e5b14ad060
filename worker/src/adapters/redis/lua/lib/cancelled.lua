-- Gives a task the result `cancelled`. Needs entry, now and stats.
local function finish_cancelled(result_key, ttl, id, fields, now)
  local kind = get_field(fields, 'kind')
  local record = '{"v":1,"id":' .. cjson.encode(id) .. ',"kind":' .. cjson.encode(kind)
    .. ',"status":"cancelled","error":{"message":"cancelled before it ran","reason":"cancelled"},"attempts":'
    .. get_digits(fields, 'attempts') .. ',"enqueued_at":' .. get_digits(fields, 'at')
    .. ',"finished_at":' .. whole(now) .. ',"handler_version":"","image_tag":"","worker_id":""}'
  redis.call('SET', result_key, record, 'EX', ttl)
  count('task:' .. kind .. ':' .. kind .. ':cancelled', 1)
  count('live:' .. kind, -1)
end

-- The time to live that a cancel of this running task asked for, or nil.
local function cancel_asked(cancelled, id)
  local asked = redis.call('HGET', cancelled, id)
  return asked and string.match(asked, ':(%d+)$')
end

