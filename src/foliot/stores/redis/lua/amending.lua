-- Changing runs by hand, and forgetting those that are over.

local amending = {}

-- Whether its key, if it has one, is free; it is taken then.
local function may_live(r, now)
  if r.unique == nil then
    return true
  end
  local holder = keys.holder(r.unique, now)
  if holder ~= nil and holder ~= r.id then
    return false
  end
  keys.take(r)
  return true
end

local function revive(ids, now)
  local again = {}
  for _, id in ipairs(ids) do
    local r = desk.get(id)
    if r and run.over(r) and may_live(r, now) then
      again[#again + 1] = r
    end
  end
  for _, r in ipairs(again) do
    moves.revive(r, now)
  end
  for _, r in ipairs(again) do
    if run.has_upstreams(r) then
      waits.begin(r, run.given(r).after)
    end
  end
end

-- Appends the lines numbered above the last one that is kept: {n, line} each.
local function keep_lines(id, lines)
  local last, new = redis.call('LLEN', key('lines', id)), {}
  for _, line in ipairs(lines) do
    if line[1] > last then
      new[#new + 1] = line[2]
    end
  end
  call_with_all('RPUSH', key('lines', id), new)
end

local function amend(r, change, now)
  if change.due_at and r.state == 'pending' then
    moves.put_off(r, change.due_at)
  end
  if change.priority and not run.over(r) then
    desk.touch(r).priority = change.priority
  end
  if change.lines then
    keep_lines(r.id, change.lines)
  end
  if change.cancel then
    adding.cancel(r, change.cancel, now)
  end
end

local function once(ids)
  local seen, unique = {}, {}
  for _, id in ipairs(ids) do
    if not seen[id] then
      seen[id] = true
      unique[#unique + 1] = id
    end
  end
  return unique
end

function amending.amend(ids, change, now)
  desk.load(ids)
  if change.revive then
    revive(once(ids), now)
  end
  for _, id in ipairs(once(ids)) do
    local r = desk.get(id)
    if r then
      amend(r, change, now)
    end
  end
  write_step()
  local blobs = {}
  for n, id in ipairs(ids) do
    local r = desk.get(id)
    blobs[n] = r and r.blob or string.char(192)
  end
  return as_list(blobs)
end
