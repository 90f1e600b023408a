-- Beats and endings of claims, fenced by their tokens, with all that an ending brings.

local finishing = {}

local function held(id, token)
  local r = desk.glance(id)
  if r and r.state == 'running' and r.token == token then
    return r
  end
end

local function log(id, lines)
  if lines and #lines > 0 then
    call_with_all('RPUSH', key('lines', id), lines)
  end
end

local function load_all(items)
  local ids = {}
  for n, item in ipairs(items) do
    ids[n] = item[1]
  end
  desk.load(ids)
end

-- Beats: {run, token, progress, lines}

local function beat(item, until_)
  local r = held(item[1], item[2])
  if r == nil then
    return {'lost'}
  end
  moves.beat(r, item[3], until_)
  log(r.id, item[4])
  return r.cancelling and {'stop', r.cancelling} or {'keep'}
end

function finishing.beat(items, until_)
  load_all(items)
  local replies = {}
  for n, item in ipairs(items) do
    replies[n] = beat(item, until_)
  end
  return replies
end

-- Endings

local function read(item)
  local ending = {}
  ending.run, ending.token, ending.state, ending.result, ending.is_more, ending.reason, ending.due_at, ending.failed, ending.outcome,
    ending.failure, ending.progress, ending.lines, ending.spawn, ending.wait, ending.firing = unpack(item, 1, 15)
  return ending
end

-- Most endings: {run, token, state, result}, over and with nothing that follows.
local function finish_plainly(r, item, now)
  desk.touch(r)
  r.state, r.result, r.reason, r.error, r.wakes_at, r.finished_at = item[3], item[4], nil, nil, nil, now
  keys.give_up(r)
  waits.over(r, false)
end

local function is_plain(item)
  return item[5] == nil and item[3] ~= 'pending' and item[3] ~= 'cancelled'
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

local function finish_with_all(r, ending, now)
  r.failures = r.failures + (ending.failed and 1 or 0)
  r.progress = ending.progress or r.progress
  if ending.state == 'pending' and r.cancelling == nil then
    moves.put_down(r, ending, now)
  else
    conclude(r, ending, now)
  end
  log(r.id, ending.lines)
  follow_up(r, ending, now)
end

local function finish(item, now)
  local r = held(item[1], item[2])
  if r == nil then
    return '0'
  end
  lanes.leave(r, now)
  if is_plain(item) then
    finish_plainly(r, item, now)
  else
    finish_with_all(run.whole(r), read(item), now)
  end
  return '1'
end

function finishing.finish(items, now)
  load_all(items)
  local kept = {}
  for n, item in ipairs(items) do
    kept[n] = finish(item, now)
  end
  write_all()
  lanes.write(now)
  return table.concat(kept)
end
