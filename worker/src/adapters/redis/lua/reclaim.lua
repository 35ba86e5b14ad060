#!lua flags=allow-oom
-- Takes tasks back from workers that were silent for the lease: a new entry at the tail, so that the old
-- owner's fence fails; past the cap on deliveries the dead-letter queue; cancelled when that was asked for.
-- Entries of a newer version are never judged here, only handed on. What a foreign hand added is handed on and
-- ends like any other; each entry goes in the step that adds its successor, so that an error doubles no task.
-- Returns the next cursor, ids requeued, ids buried, ids cancelled.
-- KEYS: stream, index, cancelled, stats, dlq, dlq-order, requeued. Result keys come from a prefix of the same slot,
-- because only the entries tell the ids.
-- ARGV: group, lease in ms, most deliveries, cursor, scan size, settled channel, result prefix, entry version.
-- include: now
-- include: stats
-- include: entry
-- include: drop
-- include: weight
-- include: events
-- include: followers
-- include: task-rows
-- include: cancelled
-- include: burial
local stream, index, group = KEYS[1], KEYS[2], ARGV[1]
local most, version = tonumber(ARGV[3]), tonumber(ARGV[8])
local now = now_ms()
local MOVED = 'Moved to DLQ: '
local claimed = redis.pcall('XAUTOCLAIM', stream, group, 'reclaim', ARGV[2], ARGV[4], 'COUNT', ARGV[5])
if claimed.err then
  if string.find(claimed.err, 'NOGROUP', 1, true) then return { '0-0', {}, {}, {} } end
  return claimed
end

local told_queued, told_dead = {}, {}

local function bury(id, fields, deliveries)
  local kind = get_field(fields, 'kind')
  local message = 'its workers died or fell silent ' .. deliveries .. ' times (at most ' .. whole(most) .. ' are allowed)'
  local attempts = get_digits(fields, 'attempts')
  local problem = '{"attempt":' .. attempts .. ',"at":' .. whole(now) .. ',"message":'
    .. cjson.encode(message) .. ',"reason":"poison","worker_id":""}'
  local payload, earlier = get_field(fields, 'payload'), get_field(fields, 'errors')
  if payload == '' then payload = cjson.encode(fields) end
  local readable, list = pcall(cjson.decode, earlier)
  local has_list = readable and type(list) == 'table' and #list > 0 and string.sub(earlier, -1) == ']'
  local errors = has_list and string.sub(earlier, 1, -2) .. ',' .. problem .. ']' or '[' .. problem .. ']'
  local letter = '{"v":1,"id":' .. cjson.encode(id) .. ',"kind":' .. cjson.encode(kind)
    .. ',"payload":' .. cjson.encode(payload)
    .. ',"options":' .. cjson.encode(get_field(fields, 'options'))
    .. ',"enqueued_at":' .. get_digits(fields, 'at') .. ',"attempts":' .. attempts
    .. ',"deliveries":' .. deliveries .. ',"errors":' .. errors
    .. ',"message":' .. cjson.encode(MOVED .. message)
  keep_letter(KEYS[5], KEYS[6], KEYS[7], id, letter, now)
  count('live:' .. kind, -1)
  count('task:' .. kind .. ':' .. kind .. ':dead', 1)
  count('fail:' .. kind .. ':poison', 1)
  count('poisoned', 1)
  told_dead[#told_dead + 1] = { id, fields, MOVED .. message }
end

local requeued, buried, cancelled = {}, {}, {}
for _, found in ipairs(claimed[2]) do
  local entry, fields = found[1], fields_of(found)
  local id = get_field(fields, 'id')
  if id == '' then id = entry end
  local deliveries = whole(tonumber(get_digits(fields, 'deliveries')) + 1)
  local ours = (tonumber(get_field(fields, 'v')) or 0) <= version
  local ttl = ours and cancel_asked(KEYS[3], id)
  set_field(fields, 'deliveries', deliveries)
  note_prior(fields, 'redelivery', entry)
  if ttl then
    finish_cancelled(ARGV[7] .. id, ttl, id, fields, now, HELD)
    count_cancelled(fields)
    cancelled[#cancelled + 1] = id
  elseif ours and tonumber(deliveries) > most then
    bury(id, fields, deliveries)
    buried[#buried + 1] = id
  else
    add_entry(stream, index, id, fields)
    requeued[#requeued + 1] = id
    told_queued[#told_queued + 1] = { id, fields }
  end
  drop_entries(stream, group, { entry })
end
count('reclaimed', #claimed[2])
local ended = {}
for _, id in ipairs(buried) do ended[#ended + 1] = id end
for _, id in ipairs(cancelled) do ended[#ended + 1] = id end
if #ended > 0 then
  forget_ids(index, ended)
  forget_ids(KEYS[3], ended)
  redis.call('PUBLISH', ARGV[6], table.concat(ended, ' '))
end
apply_counts(KEYS[4])
tell_noted(KEYS[4], told_queued, 'queued', ',"why":"reclaimed"')
tell_noted(KEYS[4], told_dead, 'dead', ',"reason":"poison"')
emit(KEYS[4], 'reclaimed', #told_queued + #told_dead, function()
  return '{"queued":' .. encode_rows(told_queued) .. ',"dead":' .. encode_rows(told_dead) .. '}'
end)
emit_cancelled(KEYS[4])
return { claimed[1], requeued, buried, cancelled }
