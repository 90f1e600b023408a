-- A run as it is kept: one packed list. Scripts read and write its head; its tail passes through as it came.

local HEADER = string.char(220, 0, 38)
local IN_HEAD = 29

local run = {}

function run.read(blob)
  local r, tail = {}, nil
  tail, r.id, r.state, r.token, r.wakes_at, r.due_at, r.priority, r.worker, r.started_at, r.finished_at, r.failures,
    r.reason, r.parked, r.waits, r.cancelling, r.result, r.error, r.progress, r.attempts, r.args, r.expires_at,
    r.deadline_at, r.queue, r.job, r.place, r.lanes, r.unique, r.clash, r.hold, r.until_ =
    cmsgpack.unpack_limit(blob, IN_HEAD, #HEADER)
  r.tail = string.sub(blob, tail + 1)
  r.blob = blob
  return r
end

function run.write(r)
  return HEADER .. cmsgpack.pack(r.id, r.state, r.token, r.wakes_at, r.due_at, r.priority, r.worker, r.started_at,
    r.finished_at, r.failures, r.reason, r.parked, r.waits, r.cancelling, r.result, r.error, r.progress, r.attempts,
    r.args, r.expires_at, r.deadline_at, r.queue, r.job, r.place, r.lanes, r.unique, r.clash, r.hold, r.until_) ..
    r.tail
end

function run.has_upstreams(r)
  return string.byte(r.tail, 1) ~= 192
end

-- What a run was given for good, as far as scripts ask for it.
function run.given(r)
  if r.more == nil then
    local more, _ = {}, nil
    _, more.after, more.created_at, more.schedule, more.parent, more.tags, more.terms =
      cmsgpack.unpack_limit(r.tail, 6, 0)
    r.more = more
  end
  return r.more
end

function run.over(r)
  return r.state ~= 'pending' and r.state ~= 'running'
end

function run.rank(r)
  return tonumber(r.wakes_at or r.due_at) - r.priority * AGEING
end
