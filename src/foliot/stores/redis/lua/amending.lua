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
  desk.write()
  keys.write()
  local blobs = {}
  for n, id in ipairs(ids) do
    local r = desk.get(id)
    blobs[n] = r and r.blob or string.char(192)
  end
  return as_list(blobs)
end

-- Pruning

-- The oldest of a job that are to go, at most so many, each as {finished_at, id, job}.
local function old_of(job, bounds, into)
  local set = key('over', job)
  local old = bounds.before and redis.call('ZCOUNT', set, '-inf', '(' .. whole(bounds.before)) or 0
  local many = bounds.keep and redis.call('ZCARD', set) - bounds.keep or 0
  local count = math.min(math.max(old, many), bounds.limit)
  if count > 0 then
    local rows = redis.call('ZRANGE', set, 0, count - 1, 'WITHSCORES')
    for n = 1, #rows, 2 do
      into[#into + 1] = {tonumber(rows[n + 1]), rows[n], job}
    end
  end
end

local function is_older(one, other)
  if one[1] ~= other[1] then
    return one[1] < other[1]
  end
  return before(one[2], other[2])
end

local function forget(r)
  redis.call('DEL', key('r', r.id), key('lines', r.id))
  redis.call('ZREM', key('over', r.job), r.id)
  redis.call('ZREM', key('state', r.state), r.id)
  for _, shelf in ipairs(desk.shelves_of(r)) do
    redis.call('ZREM', shelf, r.id)
  end
  if redis.call('EXISTS', key('job', r.job)) == 0 then
    redis.call('SREM', key('jobs'), r.job)
  end
end

function amending.prune(bounds)
  local old = {}
  for _, job in ipairs(redis.call('SMEMBERS', key('jobs'))) do
    old_of(job, bounds, old)
  end
  table.sort(old, is_older)
  local ids = {}
  for n = 1, math.min(#old, bounds.limit) do
    ids[n] = old[n][2]
  end
  desk.load(ids)
  for _, id in ipairs(ids) do
    forget(desk.get(id))
  end
  return #ids
end
