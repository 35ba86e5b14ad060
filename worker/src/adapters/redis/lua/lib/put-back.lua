-- Puts a task at the tail or, after a delay, among the due ones; one that was asked to stop (`ttl`) is cancelled
-- instead. The old entry goes in the step that adds its successor, so that an error doubles no task.
-- Keys: stream, index, cancelled, stats, due, due-entries. Needs entry, drop and cancelled.
local function put_back(entry, id, fields, delay, now, ttl, result_key)
  local stream, index, group = KEYS[1], KEYS[2], ARGV[1]
  if ttl then
    finish_cancelled(result_key, ttl, id, fields, now, HELD)
    return 'ended'
  end
  if delay > 0 then
    delay_entry(KEYS[5], KEYS[6], index, id, fields, whole(now + delay))
  else
    add_entry(stream, index, id, fields)
  end
  drop_entries(stream, group, { entry })
  return 'waits'
end
