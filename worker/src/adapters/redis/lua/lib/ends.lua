-- Ends tasks of a fenced call, whose arguments begin with group, consumer and settled channel and whose keys with
-- stream, index, cancelled and stats. `entries`, `deliveries` and `ids` tell of each task its entry, the delivery
-- count of its fence and its id. `finish(i)` gets each task that the consumer holds and returns 'ended', 'waits'
-- or, for an entry that is gone, nil; `repeated(i)` tells whether this very call, sent again, ended a task before.
-- Returns a digit per task: 1 done, 0 refused. Needs fence, drop and stats.
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

-- Every `width`-th argument from `first` on.
local function column(first, width)
  local values = {}
  for at = first, #ARGV, width do values[#values + 1] = ARGV[at] end
  return values
end
