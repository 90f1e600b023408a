-- Endings of claims, fenced by their tokens.

local finishing = {}

-- The run, if this is the token of its newest claim and it runs.
function finishing.held(id, token)
  local r = desk.glance(id)
  if r and r.state == 'running' and r.token == token then
    return r
  end
end

function finishing.load(items)
  local ids = {}
  for n, item in ipairs(items) do
    ids[n] = item[1]
  end
  desk.load(ids)
end

-- Most endings: {run, token, state, result}, over and with nothing that follows.
local function finish_plainly(r, item, now)
  desk.touch(r)
  r.state, r.result, r.reason, r.error, r.wakes_at, r.finished_at = item[3], item[4], nil, nil, nil, now
  if r.unique then
    keys.give_up(r)
  end
  desk.ended[#desk.ended + 1] = r.id
end

local function is_plain(item)
  return item[5] == nil and item[3] ~= 'pending' and item[3] ~= 'cancelled'
end

local function finish(item, now)
  local r = finishing.held(item[1], item[2])
  if r == nil then
    return '0'
  end
  if any_holdups() then
    lanes.leave(r, now)
  end
  if is_plain(item) then
    finish_plainly(r, item, now)
  else
    concluding.finish(run.whole(r), item, now)
  end
  return '1'
end

function finishing.finish(items, now)
  finishing.load(items)
  local kept = {}
  for n, item in ipairs(items) do
    kept[n] = finish(item, now)
  end
  write_step()
  if any_holdups() then
    lanes.write(now)
  end
  return table.concat(kept)
end
