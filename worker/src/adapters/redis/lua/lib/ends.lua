-- Ends tasks of a fenced call, whose arguments begin with group, consumer and settled channel and whose keys with
-- stream, index, cancelled and stats. `entries`, `deliveries` and `ids` tell of each task its entry, the delivery
-- count of its fence and its id. `finish(i)` gets each task that the consumer holds and returns 'ended', 'waits'
-- or, for an entry that is gone, nil; `repeated(i)` tells whether this very call, sent again, ended a task before.
-- Returns a digit per task: 1 done, 0 refused. Needs fence, drop, stats, events and cancelled.
local function end_tasks(entries, deliveries, ids, finish, repeated)
  local stream, group, consumer, channel = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
  local held = held_entries(stream, group, consumer, entries)
  local states, ended, gone = {}, {}, {}
  for i, entry in ipairs(entries) do
    local how = is_held(held, entry, deliveries[i]) and finish(i)
    if how then held[entry] = nil end
    if how == 'ended' then
      ended[#ended + 1] = entry
      gone[#gone + 1] = ids[i]
    end
    states[i] = (how or repeated(i)) and '1' or '0'
  end
  drop_entries(stream, group, ended)
  if #gone > 0 then
    forget_ids(KEYS[2], gone)
    forget_ids(KEYS[3], gone)
    redis.call('PUBLISH', channel, table.concat(gone, ' '))
  end
  apply_counts(KEYS[4])
  return table.concat(states)
end

-- Which tasks got the end or successor that was asked for, as a text of digits.
local marks, marked = {}, 0

local function mark(i)
  marks[i] = '1'
  marked = marked + 1
end

local function marks_of(ids)
  local digits = {}
  for i = 1, #ids do digits[i] = marks[i] or '0' end
  return table.concat(digits)
end

-- What became of failed tasks; a worker that does not know of the record yet has nothing to tell of them.
local function emit_failed(kind, ids)
  if ARGV[4] ~= '' then emit(KEYS[4], kind, marked, function() return ARGV[4], ids, marks_of(ids) end) end
  emit_cancelled(KEYS[4])
end

-- Every `width`-th argument from `first` on.
local function column(first, width)
  local values = {}
  for at = first, #ARGV, width do values[#values + 1] = ARGV[at] end
  return values
end
