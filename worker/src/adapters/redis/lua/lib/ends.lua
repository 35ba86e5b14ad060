-- Ends the tasks of a fenced call, whose arguments begin with group, consumer and settled channel and whose keys
-- with stream, index, cancelled and stats. A task's arguments, `width` of them, begin with entry, delivery count
-- and id. `finish(at, i)` gets each task that the consumer holds and returns 'ended', 'waits' or, for an entry
-- that is gone, nil; `repeated(at, i)` tells whether this very call, sent again, ended a task before.
-- Returns a digit per task: 1 done, 0 refused. Needs fence, drop and stats.
local function end_tasks(first, width, finish, repeated)
  local stream, group, consumer, channel = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
  local entries = {}
  for at = first, #ARGV, width do entries[#entries + 1] = ARGV[at] end
  local held = held_entries(stream, group, consumer, entries)
  local states, ended, ids = {}, {}, {}
  for i, entry in ipairs(entries) do
    local at = first + (i - 1) * width
    local how = is_held(held, entry, ARGV[at + 1]) and finish(at, i)
    if how then held[entry] = nil end
    if how == 'ended' then
      ended[#ended + 1] = entry
      ids[#ids + 1] = ARGV[at + 2]
    end
    states[i] = (how or repeated(at, i)) and '1' or '0'
  end
  drop_entries(stream, group, ended)
  if #ids > 0 then
    forget_ids(KEYS[2], ids)
    forget_ids(KEYS[3], ids)
    redis.call('PUBLISH', channel, table.concat(ids, ' '))
  end
  apply_counts(KEYS[4])
  return table.concat(states)
end
