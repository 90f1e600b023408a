-- A run as it is kept: one packed list in three parts. Most steps read and change the first part alone, few the second;
-- the third passes through as it came.

local HEADER = string.char(220, 0, 38)
local IN_FIRST, IN_SECOND = 19, 10

local run = {}

-- Reads the first part. `run.whole` reads the second.
function run.read(blob)
  local second, id, state, token, wakes_at, due_at, priority, worker, started_at, finished_at, reason, result, failure,
    parked, job, queue, lanes, place, unique, hold = cmsgpack.unpack_limit(blob, IN_FIRST, #HEADER)
  return {
    id = id, state = state, token = token, wakes_at = wakes_at, due_at = due_at, priority = priority, worker = worker,
    started_at = started_at, finished_at = finished_at, reason = reason, result = result, error = failure,
    parked = parked, job = job, queue = queue, lanes = lanes, place = place, unique = unique, hold = hold,
    blob = blob, rest = string.sub(blob, second + 1), noted = false, new = false, is_whole = false,
    was_state = false, was_wakes_at = false, was_priority = false, was_parked = false, was_over_at = false,
  }
end

function run.whole(r)
  if not r.is_whole then
    local third
    third, r.failures, r.waits, r.cancelling, r.progress, r.attempts, r.args, r.expires_at, r.deadline_at, r.clash,
      r.until_ = cmsgpack.unpack_limit(r.rest, IN_SECOND, 0)
    r.tail, r.rest, r.is_whole = string.sub(r.rest, third + 1), false, true
  end
  return r
end

local function rest_of(r)
  return r.rest or cmsgpack.pack(r.failures, r.waits, r.cancelling, r.progress, r.attempts, r.args, r.expires_at,
    r.deadline_at, r.clash, r.until_) .. r.tail
end

function run.write(r)
  return HEADER .. cmsgpack.pack(r.id, r.state, r.token, r.wakes_at, r.due_at, r.priority, r.worker, r.started_at,
    r.finished_at, r.reason, r.result, r.error, r.parked, r.job, r.queue, r.lanes, r.place, r.unique, r.hold) .. rest_of(r)
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
