-- Tasks as events tell them: lists of id, kind, enqueued at, attempts, deliveries, agent and priority ('' for the
-- default), and of those that ended a message. Needs entry.
local function task_row(id, fields, message)
  local agent = string.match(get_field(fields, 'options'), '"agentId":"([%w._:%-]+)"')
  return { id, get_field(fields, 'kind'), tonumber(get_digits(fields, 'at')), tonumber(get_digits(fields, 'attempts')),
    tonumber(get_digits(fields, 'deliveries')), agent or '', wanted_priority(fields) or '', message }
end

-- JSON of tasks that are noted as { id, fields, message }.
local function encode_rows(tasks)
  local rows = {}
  for i, task in ipairs(tasks) do rows[i] = task_row(unpack(task, 1, 3)) end
  -- An empty table would be an object.
  return #rows > 0 and cjson.encode(rows) or '[]'
end
