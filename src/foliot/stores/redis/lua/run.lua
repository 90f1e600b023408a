-- A run as it is kept: one packed list in four parts. What names it and where it belongs never changes and is only
-- read; how it stands is what most steps change; the rest few steps need; and what was given for good passes through.

local HEADER = string.char(220, 0, 38)
local NAMED, STANDING, REST = 7, 12, 10

local run = {}

-- Reads the first two parts. `run.whole` reads the third.
function run.read(blob)
  local second, id, job, queue, lanes, place, unique, hold = cmsgpack.unpack_limit(blob, NAMED, #HEADER)
  local third, state, token, wakes_at, due_at, priority, worker, started_at, finished_at, reason, result, failure,
    parked = cmsgpack.unpack_limit(blob, STANDING, second)
  return {
    id = id, job = job, queue = queue, lanes = lanes, place = place, unique = unique, hold = hold,
    state = state, token = token, wakes_at = wakes_at, due_at = due_at, priority = priority, worker = worker,
    started_at = started_at, finished_at = finished_at, reason = reason, result = result, error = failure,
    parked = parked, blob = blob, named = string.sub(blob, 1, second), rest = string.sub(blob, third + 1),
    was = false, new = false, is_whole = false,
  }
end

function run.whole(r)
  if not r.is_whole then
    local fourth
    fourth, r.failures, r.waits, r.cancelling, r.progress, r.attempts, r.args, r.expires_at, r.deadline_at, r.clash,
      r.until_ = cmsgpack.unpack_limit(r.rest, REST, 0)
    r.tail, r.rest, r.is_whole = string.sub(r.rest, fourth + 1), false, true
  end
  return r
end

local function rest_of(r)
  return r.rest or cmsgpack.pack(r.failures, r.waits, r.cancelling, r.progress, r.attempts, r.args, r.expires_at,
    r.deadline_at, r.clash, r.until_) .. r.tail
end

function run.write(r)
  return r.named .. cmsgpack.pack(r.state, r.token, r.wakes_at, r.due_at, r.priority, r.worker, r.started_at,
    r.finished_at, r.reason, r.result, r.error, r.parked) .. rest_of(r)
end

function run.has_upstreams(r)
  return string.byte(run.whole(r).tail, 1) ~= 192
end

-- What a run was given for good, as far as scripts ask for it.
function run.given(r)
  if r.more == nil then
    local more, _ = {}, nil
    _, more.after, more.created_at, more.schedule, more.parent, more.tags, more.terms =
      cmsgpack.unpack_limit(run.whole(r).tail, 6, 0)
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
