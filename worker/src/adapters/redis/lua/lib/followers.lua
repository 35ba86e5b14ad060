-- Tells sessions what happens to the tasks that they follow, in the step that does it: one entry for each session in its
-- own stream (contract/sessions.ts), and one message with the sessions that have news. `followed` holds of a task the
-- sessions that follow it; a session's hash holds in `task:<id>` the attempt that it knows to run, 0 for none, with a `?`
-- behind one that it does not know the start of. Needs now and events.
local LOOKED_UP = 1000
local LONGEST_MESSAGE = 500
local HELD_ONLY = '?'
local LAST = { succeeded = true, failed = true, cancelled = true, dead = true }

local function each_follower(followed, act)
  for tag in string.gmatch(followed, '%x+') do act(tag) end
end

-- A tag is as long as any other, so none is a part of two.
local function drop_follower(key, id, tag)
  local followed = redis.call('HGET', key, id)
  local from, to = string.find(followed or '', ' ' .. tag, 1, true)
  if not from then return end
  local left = string.sub(followed, 1, from - 1) .. string.sub(followed, to + 1)
  if left == '' then redis.call('HDEL', key, id) else redis.call('HSET', key, id, left) end
end

-- The session's oldest events go when it has too many; numbers grow by one, so that a gap shows.
local function add_event(session, most, forgotten, text)
  local key = session .. ':events'
  local number = redis.call('XADD', key, 'MAXLEN', most, '0-*', 'e', text)
  if number == '0-1' then redis.call('PEXPIREAT', key, forgotten) end
end

local function event_text(id, state, attempt, more, now)
  local run = attempt ~= '0' and ',"attempt":' .. attempt or ''
  return '{"id":' .. cjson.encode(id) .. ',"state":"' .. state .. '","at":' .. whole(now) .. run .. (more or '') .. '}'
end

-- A session keeps many events: a message's first characters, and none in part.
local function shortened(message)
  if #message <= LONGEST_MESSAGE then return message end
  local characters = 0
  for at in string.gmatch(message, '()[^\128-\191]') do
    characters = characters + 1
    if characters > LONGEST_MESSAGE then return string.sub(message, 1, at - 1) end
  end
  return message
end

local END_STATES = { success = 'succeeded', error = 'failed', cancelled = 'cancelled' }

-- In a result's text the output, which may hold anything, comes last.
local function number_in(text, name) return string.match(text, '"' .. name .. '":(%d+)') end

-- The event of a result's text, and whether its attempt began.
local function end_in(text)
  local started, finished = number_in(text, 'started_at'), number_in(text, 'finished_at')
  return {
    state = END_STATES[string.match(text, '"status":"(%a+)"')] or 'failed',
    attempt = number_in(text, 'attempts') or '0',
    started = started and ',"started_at":' .. started,
    more = finished and ',"finished_at":' .. finished,
  }, started ~= nil
end

-- An event: state; attempt as digits ('0': none); ran: that attempt began, so a session must have heard of it first;
-- started: ',"started_at":<ms>' or ''; held: a worker has it, and may not have begun; more: further JSON members. Returns whether the session has news, or nil when it
-- follows no more.
local function tell_session(session, id, event, now)
  local found = redis.call('HMGET', session, 'most', 'forgotten', 'task:' .. id)
  local most, forgotten, known = found[1], found[2], found[3]
  if not most or not known then return nil end
  local state, attempt = event.state, event.attempt
  if state == 'running' and known == attempt then return false end
  if event.ran and known ~= attempt and known ~= attempt .. HELD_ONLY then
    add_event(session, most, forgotten, event_text(id, 'running', attempt, event.started, now))
  end
  add_event(session, most, forgotten, event_text(id, state, attempt, (event.started or '') .. (event.more or ''), now))
  if LAST[state] then
    redis.call('HDEL', session, 'task:' .. id)
  else
    redis.call('HSET', session, 'task:' .. id, state == 'running' and attempt .. (event.held and HELD_ONLY or '') or '0')
  end
  return true
end

local function has_followers(stats)
  return redis.call('EXISTS', key_beside(stats, 'followed')) == 1
end

-- event_of(i): what happened to the i-th task, or nil for nothing; asked only of tasks that somebody follows.
local function tell_followers(stats, ids, event_of)
  local key = key_beside(stats, 'followed')
  if #ids == 0 or not has_followers(stats) then return end
  local sessions, now = key_beside(stats, 'session:'), now_ms()
  local news, is_listed = {}, {}
  for first = 1, #ids, LOOKED_UP do
    local found = redis.call('HMGET', key, unpack(ids, first, math.min(first + LOOKED_UP - 1, #ids)))
    for at = 1, #found do
      local id = ids[first + at - 1]
      local event = found[at] and event_of(first + at - 1)
      if event then
        each_follower(found[at], function(tag)
          local told = tell_session(sessions .. tag, id, event, now)
          if told == nil then drop_follower(key, id, tag) end
          if told and not is_listed[tag] then
            is_listed[tag] = true
            news[#news + 1] = tag
          end
        end)
        if LAST[event.state] then redis.call('HDEL', key, id) end
      end
    end
  end
  if #news > 0 then redis.call('PUBLISH', key_beside(stats, 'session-news'), table.concat(news, ' ')) end
end

-- Tasks that were noted as { id, fields, ... } and are all in one state now.
local function tell_noted(stats, noted, state, more)
  if #noted == 0 or not has_followers(stats) then return end
  local ids = {}
  for i, task in ipairs(noted) do ids[i] = task[1] end
  tell_followers(stats, ids, function(i)
    return { state = state, attempt = state == 'queued' and '0' or get_digits(noted[i][2], 'attempts'), more = more }
  end)
end
