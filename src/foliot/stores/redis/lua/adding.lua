-- Adding runs: known ids are known, unique keys clash, and who comes after others waits.

local adding = {}

local function enter(r, fate)
  desk.put_new(r)
  return {fate, r.id}
end

local function take_key(r)
  keys.take(r)
  return enter(r, 'added')
end

-- Cancels a run: at once if it is pending, at its next beat if it runs.
local function cancel(r, reason, now)
  if r.state == 'pending' then
    local waited = r.waits > 0
    moves.over(r, 'cancelled', reason, now)
    keys.give_up(r)
    waits.over(r, waited)
  elseif r.state == 'running' then
    desk.touch(r).cancelling = reason
    hints.note('cancels', 0)
  end
end
adding.cancel = cancel

local clashes = {}

function clashes.drop(_, name)
  return {'dropped', name}
end

function clashes.skip(r, name, now)
  r.blob = nil
  r.state, r.reason, r.wakes_at, r.waits, r.parked, r.finished_at = 'skipped', 'overlap with ' .. name, nil, 0, nil, now
  return enter(r, 'skipped')
end

function clashes.replace(r, name, now)
  local holder = desk.get(name)
  if holder then
    cancel(holder, 'replaced by ' .. r.id, now)
  end
  return take_key(r)
end

function clashes.renew(r, name)
  local holder = desk.get(name)
  if holder == nil or holder.token > 0 or run.over(holder) then
    return take_key(r)
  end
  moves.renew(holder, r)
  return {'renewed', name}
end

-- A run that is over when added holds its key to the instant that was said, if nobody else does.
local function keep_key(r, now)
  if r.unique and r.until_ and not has_come(r.until_, now) and keys.holder(r.unique, now) == nil then
    keys.take(r)
  end
end

local function add(r, now)
  if desk.get(r.id) then
    return {'known', r.id}
  end
  if run.over(r) then
    keep_key(r, now)
    return enter(r, 'added')
  end
  if r.unique == nil then
    return enter(r, 'added')
  end
  local name = keys.holder(r.unique, now)
  if name == nil then
    return take_key(r)
  end
  return clashes[r.clash](r, name, now)
end

-- By now all are known that they come after, whichever came first.
local function wait(runs, answers)
  for n, r in ipairs(runs) do
    if answers[n][1] == 'added' and r.state == 'pending' and run.has_upstreams(r) then
      waits.begin(r, run.given(r).after)
    end
  end
end

function adding.add(blobs, now)
  local runs, ids, answers = {}, {}, {}
  for n, blob in ipairs(blobs) do
    runs[n] = run.whole(run.read(blob))
    ids[n] = runs[n].id
  end
  desk.load(ids)
  for n, r in ipairs(runs) do
    answers[n] = add(r, now)
  end
  wait(runs, answers)
  return answers
end
