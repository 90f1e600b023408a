-- What becomes of a run: each move of its life.

local moves = {}

local function json(value)
  return value == nil and 'null' or cjson.encode(value)
end

local function json_number(value)
  return value == nil and 'null' or whole(value)
end

local function keep_attempt(r, ended_at, outcome, failure)
  run.whole(r)
  local last = '{"token":' .. whole(r.token) .. ',"worker":' .. json(r.worker) .. ',"started_at":' ..
    json_number(r.started_at) .. ',"ended_at":' .. json_number(ended_at) .. ',"outcome":' .. json(outcome) ..
    ',"error":' .. (failure or 'null') .. '}'
  r.attempts = r.attempts and (r.attempts .. ',' .. last) or last
end

function moves.settle(r, waits)
  run.whole(desk.touch(r))
  r.waits = waits
  r.wakes_at = waits == 0 and r.due_at or nil
end

-- The attempt under way is lost.
function moves.lose(r, now)
  keep_attempt(r, now, 'lost')
end

function moves.park(r, lane, now)
  desk.touch(r)
  if r.state == 'running' then
    keep_attempt(r, now, 'lost')
  end
  r.state, r.parked, r.wakes_at, r.worker, r.started_at = 'pending', lane, nil, nil, nil
end

function moves.wake(r)
  desk.touch(r)
  r.parked, r.wakes_at = nil, r.due_at
end

function moves.put_off(r, due_at)
  run.whole(desk.touch(r))
  r.due_at, r.parked = due_at, nil
  r.wakes_at = r.waits == 0 and due_at or nil
end

function moves.renew(holder, r)
  holder.args, holder.expires_at, holder.deadline_at = r.args, r.expires_at, r.deadline_at
  moves.put_off(holder, r.due_at)
end

function moves.beat(r, progress, until_)
  run.whole(desk.touch(r))
  r.wakes_at, r.progress = until_, progress or r.progress
end

function moves.over(r, state, reason, now)
  run.whole(desk.touch(r))
  r.state, r.reason, r.wakes_at, r.waits, r.parked, r.finished_at = state, reason, nil, 0, nil, now
end

function moves.put_down(r, ending, now)
  desk.touch(r)
  if ending.outcome then
    keep_attempt(r, now, ending.outcome, ending.failure)
  end
  r.state, r.reason, r.due_at, r.worker, r.started_at = 'pending', ending.reason, ending.due_at or now, nil, nil
  r.wakes_at = not ending.wait and r.due_at or nil
end

function moves.finish(r, state, reason, ending, now)
  desk.touch(r)
  r.state, r.reason, r.result, r.error, r.wakes_at, r.finished_at =
    state, reason, ending.result, ending.failure, nil, now
end

function moves.revive(r, now)
  run.whole(desk.touch(r))
  if r.started_at then
    keep_attempt(r, r.finished_at, r.state, r.error)
  end
  r.state, r.due_at, r.failures = 'pending', now, 0
  r.wakes_at = not run.has_upstreams(r) and now or nil
  r.reason, r.result, r.error, r.progress, r.worker, r.started_at, r.finished_at = nil, nil, nil, nil, nil, nil, nil
  r.expires_at, r.deadline_at, r.cancelling = nil, nil, nil
end
