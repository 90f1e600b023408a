-- Endings with more than a result, and all that they bring.

local concluding = {}

function concluding.log(id, lines)
  if lines and #lines > 0 then
    call_with_all('RPUSH', key('lines', id), lines)
  end
end

local function read(item)
  local ending = {}
  ending.run, ending.token, ending.state, ending.result, ending.is_more, ending.reason, ending.due_at, ending.failed,
    ending.outcome, ending.failure, ending.progress, ending.lines, ending.spawn, ending.wait, ending.firing = unpack(item, 1, 15)
  return ending
end

local function conclude(r, ending, now)
  local state, reason = ending.state, ending.reason
  if state == 'pending' then
    state, reason = 'cancelled', r.cancelling
  elseif state == 'cancelled' and reason == nil then
    reason = r.cancelling
  end
  moves.finish(r, state, reason, ending, now)
  keys.give_up(r)
  waits.over(r, false)
end

local function follow_up(r, ending, now)
  local instead = ending.state == 'pending' and run.over(r)
  if ending.spawn and not instead then
    adding.add(ending.spawn, now)
  end
  if ending.wait and not run.over(r) then
    waits.begin(r, ending.wait)
  end
  if ending.firing then
    schedules.fire_one(ending.firing, now)
  end
end

function concluding.finish(r, item, now)
  local ending = read(item)
  r.failures = r.failures + (ending.failed and 1 or 0)
  r.progress = ending.progress or r.progress
  if ending.state == 'pending' and r.cancelling == nil then
    moves.put_down(r, ending, now)
  else
    conclude(r, ending, now)
  end
  concluding.log(r.id, ending.lines)
  follow_up(r, ending, now)
end
