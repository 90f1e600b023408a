-- Claiming: due runs in order, each leased; those that meet a full lane are parked before it.

local claiming = {}

local function set_of(names)
  local set = {}
  for _, name in ipairs(names or {}) do
    set[name] = true
  end
  return set
end

-- Whether a claim looks at a place: `queue`, or `queue+label+label`.
local function serves(place, queues, any_queue, labels)
  local first = true
  for name in string.gmatch(place, '[^+]+') do
    if first and not (any_queue or queues[name]) or not first and not labels[name] then
      return false
    end
    first = false
  end
  return true
end

-- Where a claim looks, as pairs of place and priority.
local function served(claim)
  local spots = {}
  local function add(place, priorities)
    for priority in string.gmatch(priorities or '', '[^,]+') do
      spots[#spots + 1] = {place = place, priority = tonumber(priority)}
      places.know(place, priority)
    end
  end
  local queues, labels = set_of(claim.queues), set_of(claim.labels)
  local every = redis.call('HGETALL', key('places'))
  for n = 1, #every, 2 do
    if serves(every[n], queues, #claim.queues == 0, labels) then
      add(every[n], every[n + 1])
    end
  end
  for n, priorities in ipairs(redis.call('HMGET', key('doors'), unpack(claim.doors))) do
    add(claim.doors[n], priorities or nil)
  end
  return spots
end

-- What only one spot has is in order already.
local function next_ids_of(spot, now, count)
  local set = places.due(spot.place, spot.priority)
  local ids = redis.call('ZRANGEBYSCORE', set, '-inf', now, 'LIMIT', spot.read, count)
  spot.read = spot.read + #ids
  return ids
end

-- A function that tells the next so many due ids.
local function source(spots, claim, now)
  if #spots ~= 1 then
    return merging.of(spots, now, claim.limit)
  end
  spots[1].read = 0
  return function(count)
    return next_ids_of(spots[1], now, count)
  end
end

local function lease(r, claim, now)
  desk.touch(r)
  if r.state == 'running' then
    moves.lose(r, now)
  end
  r.state, r.token, r.wakes_at, r.worker, r.started_at = 'running', r.token + 1, claim.until_, claim.worker, now
  if r.hold == 'start' then
    keys.give_up(r)
  end
end

local function try_to_claim(r, claim, now)
  local full = any_holdups() and lanes.admit(r, now) or nil
  if full then
    moves.park(r, full, now)
  else
    lease(r, claim, now)
  end
  return not full
end

local function take(next_due, claim, now)
  local taken, looked = {}, 0
  while #taken < claim.limit and looked < claim.limit + PARKS do
    local ids = next_due(math.min(claim.limit - #taken, claim.limit + PARKS - looked))
    if #ids == 0 then
      break
    end
    desk.load(ids)
    for _, id in ipairs(ids) do
      local r = desk.glance(id)
      if r and has_come(r.wakes_at, now) and try_to_claim(r, claim, now) then
        taken[#taken + 1] = r
      end
    end
    looked = looked + #ids
  end
  return taken
end

-- When this run wakes, whose alarm is set for about `score`.
local function exactly(id, score)
  return score < EXACT and score or desk.glance(id).wakes_at
end

local function earliest(one, other)
  if one == nil or other == nil then
    return one or other
  end
  return has_come(one, other) and one or other
end

local function next_alarm(spots)
  local at = nil
  for _, spot in ipairs(spots) do
    local first = redis.call('ZRANGE', places.due(spot.place, spot.priority), 0, 0, 'WITHSCORES')
    if first[2] then
      at = earliest(at, exactly(first[1], tonumber(first[2])))
    else
      places.leave(spot.place, spot.priority)
    end
  end
  return at
end

local function blobs_of(runs)
  local blobs = {}
  for n, r in ipairs(runs) do
    blobs[n] = r.blob
  end
  return as_list(blobs)
end

-- When a lane is to be looked at next, after those whose time has come were.
local function look_at_lanes(now)
  if any_holdups() then
    lanes.write(now)
    local woken = lanes.wake(now)
    return earliest(lanes.next_look(), woken > 0 and now or nil)
  end
end

-- Takes due runs; the answer is the runs, and when to come back: nothing when the batch is full.
function claiming.claim(claim, now)
  if claim.limit <= 0 then
    return {as_list({}), ''}
  end
  local releasing = any_holdups() and waits.go_on()
  local spots = served(claim)
  places.grown = false
  local taken = take(source(spots, claim, now), claim, now)
  write_step()
  local answer = blobs_of(taken)
  local look_at = look_at_lanes(now)
  if #taken == claim.limit then
    return {answer, ''}
  end
  local at = earliest(next_alarm(places.grown and served(claim) or spots), earliest(look_at, releasing and now or nil))
  return {answer, at and whole(at) or ''}
end

function claiming.read(packed)
  local claim = {}
  claim.worker, claim.limit, claim.until_, claim.queues, claim.labels, claim.doors = cmsgpack.unpack(packed)
  return claim
end
