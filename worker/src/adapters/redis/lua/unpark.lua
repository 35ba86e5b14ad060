#!lua flags=allow-oom
-- Frees the slot of a task of a limited kind that has ended, if its entry has, and calls parked ones of its kind.
-- Returns how many.
-- KEYS: stream for the tasks that are called, index, due-entries, parked-kinds, slots, starts, parked (the last three
-- of the kind). ARGV: group, stream of the entry, entry, kind, concurrency, tasks, per in ms.
-- include: now
-- include: entry
-- include: limits
free_slot(KEYS[5], ARGV[1], slot_of(ARGV[2], ARGV[3]))
return unpark(KEYS, read_law(4), now_ms())
