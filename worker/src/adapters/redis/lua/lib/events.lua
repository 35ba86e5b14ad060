-- Tells the record what a call changed, see contract/packed-events.ts. Needs now and weight. It is the last thing that
-- a script does.
local MOST_DROPPED = 1000

-- A key of the queue, beside its stats.
local function key_beside(stats, name)
  return string.match(stats, '^(.*):stats$') .. ':' .. name
end

-- Over its bound the oldest events go: later ones tell enough to go on from.
local function drop_oldest(record, events, over)
  local dropped, freed, lost = {}, 0, 0
  local from = '-'
  while freed < over and #dropped < MOST_DROPPED do
    local oldest = redis.call('XRANGE', events, from, '+', 'COUNT', 1)[1]
    if not oldest then break end
    local bytes, rows = weigh(oldest)
    freed, lost = freed + bytes, lost + rows
    dropped[#dropped + 1] = oldest[1]
    from = '(' .. oldest[1]
  end
  redis.call('XDEL', events, unpack(dropped))
  redis.call('HINCRBY', record, 'lost', lost)
  redis.call('HSET', record, 'lost_at', whole(now_ms()))
  if redis.call('XLEN', events) == 0 then
    redis.call('HSET', record, 'used', 0)
  else
    redis.call('HINCRBY', record, 'used', -freed)
  end
end

-- rows: how many tasks changed. tell(): JSON, and where it needs them ids and a text of states; asked only while the
-- record is on.
local function emit(stats, kind, rows, tell)
  if rows == 0 then return end
  local record = key_beside(stats, 'record')
  local bound = redis.call('HGET', record, 'bytes')
  if not bound then return end
  local events = key_beside(stats, 'events')
  local data, ids, states = tell()
  local command = { 'XADD', events, '*', 't', kind, 'at', whole(now_ms()), 'n', rows, 'd', data }
  local listed = ids and cjson.encode(ids) or ''
  if ids then
    command[#command + 1] = 'i'
    command[#command + 1] = listed
  end
  if states then
    command[#command + 1] = 's'
    command[#command + 1] = states
  end
  redis.call(unpack(command))
  local used = redis.call('HINCRBY', record, 'used', weight_of(data, listed, states or ''))
  local over = used - (tonumber(bound) or 0)
  if over > 0 then drop_oldest(record, events, over) end
end
