-- Tasks as events tell them: lists of id, kind, enqueued at, attempts, deliveries, agent and priority ('' for the
-- default), of those that ended a message, and of traced ones the trace's id. Needs entry.
local function task_row(id, fields, message)
  local options = get_field(fields, 'options')
  local agent = string.match(options, '"agentId":"([%w._:%-]+)"')
  local trace = string.match(options, '"traceparent":"00%-(%x+)%-')
  return { id, get_field(fields, 'kind'), tonumber(get_digits(fields, 'at')), tonumber(get_digits(fields, 'attempts')),
    tonumber(get_digits(fields, 'deliveries')), agent or '', wanted_priority(fields) or '', message, trace }
end

-- JSON of tasks that are noted as { id, fields, message }.
local function encode_rows(tasks)
  local rows = {}
  for i, task in ipairs(tasks) do rows[i] = task_row(unpack(task, 1, 3)) end
  -- An empty table would be an object.
  return #rows > 0 and cjson.encode(rows) or '[]'
end
