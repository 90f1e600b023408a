-- Pruning: forgetting runs that are over, the oldest first, but none whose parent is live.

local pruning = {}

-- How many of a job, from the oldest on, are to go.
local function how_many_are_old(set, bounds)
  local old = bounds.before and redis.call('ZCOUNT', set, '-inf', '(' .. whole(bounds.before)) or 0
  local many = bounds.keep and redis.call('ZCARD', set) - bounds.keep or 0
  return math.max(old, many)
end

-- The next of a job that are to go, each as {finished_at, id, job}; those held back before are skipped.
local function old_of(job, bounds, held, into)
  local set, first = key('over', job), held[job] or 0
  local last = math.min(how_many_are_old(set, bounds), first + bounds.looks) - 1
  if last >= first then
    local rows = redis.call('ZRANGE', set, first, last, 'WITHSCORES')
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

local function next_old(bounds, held)
  local old, ids = {}, {}
  for _, job in ipairs(redis.call('SMEMBERS', key('jobs'))) do
    old_of(job, bounds, held, old)
  end
  table.sort(old, is_older)
  for n = 1, math.min(#old, bounds.looks) do
    ids[n] = old[n][2]
  end
  return ids
end

local function has_live_parent(r)
  local parent = run.given(r).parent
  local standing = parent and desk.get(parent)
  return standing and not run.over(standing)
end

local function forget(r)
  redis.call('DEL', key('r', r.id), key('lines', r.id))
  redis.call('ZREM', key('over', r.job), r.id)
  redis.call('ZREM', key('state', r.state), r.id)
  for _, shelf in ipairs(shelves.of(r)) do
    redis.call('ZREM', shelf, r.id)
  end
  if redis.call('EXISTS', key('job', r.job)) == 0 then
    redis.call('SREM', key('jobs'), r.job)
  end
end

-- Looks at so many; tells how many went, and how many of each job are held back if there may be more to look at.
function pruning.prune(bounds, held)
  local ids, gone = next_old(bounds, held), 0
  desk.load(ids)
  for _, id in ipairs(ids) do
    local r = desk.get(id)
    if has_live_parent(r) then
      held[r.job] = (held[r.job] or 0) + 1
    else
      forget(r)
      gone = gone + 1
    end
  end
  return {gone, #ids == bounds.looks and cmsgpack.pack(held) or ''}
end
