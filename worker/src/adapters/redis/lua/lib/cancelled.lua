-- Message for a task that was running or prefetched when it was asked to stop.
local HELD = 'cancelled while a worker held it'

local told_cancelled = {}

-- Gives a task the result `cancelled`. Needs entry, task-rows, now, stats, events and followers.
-- The caller counts the attempt.
local function finish_cancelled(result_key, ttl, id, fields, now, message)
  local kind = get_field(fields, 'kind')
  local record = '{"v":1,"id":' .. cjson.encode(id) .. ',"kind":' .. cjson.encode(kind)
    .. ',"status":"cancelled","error":{"message":' .. cjson.encode(message) .. ',"reason":"cancelled"},"attempts":'
    .. get_digits(fields, 'attempts') .. ',"enqueued_at":' .. get_digits(fields, 'at')
    .. ',"finished_at":' .. whole(now) .. ',"handler_version":"","image_tag":"","worker_id":""}'
  redis.call('SET', result_key, record, 'EX', ttl)
  count('live:' .. kind, -1)
  told_cancelled[#told_cancelled + 1] = { id, fields, message }
end

local function emit_cancelled(stats)
  tell_noted(stats, told_cancelled, 'cancelled')
  emit(stats, 'cancelled', #told_cancelled, function() return encode_rows(told_cancelled) end)
end

-- For a task whose attempt has no end of its own to count.
local function count_cancelled(fields)
  local kind = get_field(fields, 'kind')
  count('task:' .. kind .. ':' .. kind .. ':cancelled', 1)
end

-- The time to live that a cancel of this running task asked for, or nil.
local function cancel_asked(cancelled, id)
  local asked = redis.call('HGET', cancelled, id)
  return asked and string.match(asked, ':(%d+)$')
end

-- Labels of an attempt that failed after its task was asked to stop: it counts once, as cancelled.
local function as_cancelled(labels, ttl)
  return ttl and string.gsub(labels, '[^:]+$', 'cancelled') or labels
end
