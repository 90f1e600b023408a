-- Lanes: who holds places in the limited ones, who is parked before full ones, when to look again.

local ENDLESS = math.huge

local lanes = {known = {}, ways = {}, entered = {}}

local function family(name)
  return string.match(name, '^([^#]*)#') or name
end

local function read_bounds(packed)
  local bounds = {}
  bounds.running, bounds.starts, bounds.per, bounds.paused = cmsgpack.unpack(packed)
  bounds.rated = bounds.starts ~= nil and bounds.per ~= nil
  return bounds
end

-- The limit that counts in a lane: its own, else its family's, else none.
local function bounds_of(name)
  local own, familys = unpack(redis.call('HMGET', key('bounds'), name, family(name)))
  local packed = own or familys
  return packed and read_bounds(packed) or nil
end

local function started_in(name, bounds, now)
  if not bounds.rated then
    return 0
  end
  return redis.call('ZCOUNT', key('starts', name), '(' .. whole(tonumber(now) - bounds.per), '+inf')
end

-- How a lane stands; nil if nothing limits it.
function lanes.standing(name, now)
  local lane = lanes.known[name]
  if lane == nil then
    local bounds = bounds_of(name)
    lane = false
    if bounds then
      lane = {name = name, bounds = bounds, by = 0, starts = 0}
      lane.running = tonumber(redis.call('HGET', key('busy'), name) or 0)
      lane.started = started_in(name, bounds, now)
    end
    lanes.known[name] = lane
  end
  return lane or nil
end

-- The lanes of a run by name, each once.
function lanes.names_of(r)
  local names, seen = {}, {}
  local every = {'queue/' .. r.queue, 'job/' .. r.job}
  for _, name in ipairs(r.lanes and cjson.decode(r.lanes) or {}) do
    every[#every + 1] = name
  end
  for _, name in ipairs(every) do
    if not seen[name] then
      seen[name] = true
      names[#names + 1] = name
    end
  end
  return names
end

-- The limited lanes of a run. Most runs of a batch go the same way.
function lanes.of(r, now)
  local way = r.queue .. '\0' .. r.job .. '\0' .. (r.lanes or '')
  local limited = lanes.ways[way]
  if limited == nil then
    limited = {}
    for _, name in ipairs(lanes.names_of(r)) do
      limited[#limited + 1] = lanes.standing(name, now)
    end
    lanes.ways[way] = limited
  end
  return limited
end

local function room(bounds, running, started)
  if bounds == nil then
    return ENDLESS
  end
  if bounds.paused then
    return 0
  end
  local places_left = bounds.running and bounds.running - running or ENDLESS
  local starts_left = bounds.rated and bounds.starts - started or ENDLESS
  return math.max(0, math.min(places_left, starts_left))
end

function lanes.leave(r, now)
  for _, lane in ipairs(lanes.of(r, now)) do
    lane.running, lane.by, lane.left = lane.running - 1, lane.by - 1, true
    lanes.entered[lane.name] = lane
  end
end

-- Lets a due run start, or tells the first full lane before it.
function lanes.admit(r, now)
  if r.state == 'running' then
    lanes.leave(r, now)
  end
  local way = lanes.of(r, now)
  for _, lane in ipairs(way) do
    if room(lane.bounds, lane.running, lane.started) <= 0 then
      return lane.name
    end
  end
  for _, lane in ipairs(way) do
    lane.running, lane.by = lane.running + 1, lane.by + 1
    if lane.bounds.rated then
      lane.started, lane.starts = lane.started + 1, lane.starts + 1
    end
    lanes.entered[lane.name] = lane
  end
end

-- Writing

local function write_places(lane)
  if lane.by ~= 0 and redis.call('HINCRBY', key('busy'), lane.name, lane.by) == 0 then
    redis.call('HDEL', key('busy'), lane.name)
  end
  lane.by = 0
end

local function write_starts(lane, now)
  local set, per = key('starts', lane.name), lane.bounds.per
  redis.call('ZREMRANGEBYSCORE', set, '-inf', tonumber(now) - per)
  local last = redis.call('INCRBY', key('started'), lane.starts)
  local rows = {}
  for n = 1, lane.starts do
    rows[#rows + 1] = now
    rows[#rows + 1] = whole(last - n)
  end
  call_with_all('ZADD', set, rows)
  redis.call('ZADD', key('rated'), 'GT', tonumber(now) + per, lane.name)
  lane.starts = 0
end

-- Of keys that are used once there is no end.
local function forget_old_starts(now)
  local old = redis.call('ZRANGEBYSCORE', key('rated'), '-inf', now, 'LIMIT', 0, 100)
  for _, name in ipairs(old) do
    redis.call('DEL', key('starts', name))
    redis.call('ZREM', key('rated'), name)
  end
end

-- Whoever left a lane before which runs are parked makes it be looked at.
local function look_at_left(lane)
  if lane.left and redis.call('ZADD', key('look'), 'XX', 'CH', AT_ONCE, lane.name) > 0 then
    hints.note('runs', 0)
  end
  lane.left = nil
end

function lanes.write(now)
  for _, lane in pairs(lanes.entered) do
    write_places(lane)
    if lane.starts > 0 then
      write_starts(lane, now)
      forget_old_starts(now)
    end
    look_at_left(lane)
  end
  lanes.entered = {}
end

-- Parking and waking

-- When a lane without room will have some by the passing of time alone.
local function opens_at(lane)
  local bounds = lane.bounds
  if not bounds.rated or bounds.starts <= 0 or bounds.paused then
    return NEVER
  end
  if bounds.running and lane.running >= bounds.running then
    return NEVER
  end
  local oldest = redis.call('ZREVRANGE', key('starts', lane.name), bounds.starts - 1, bounds.starts - 1, 'WITHSCORES')
  return oldest[2] and tonumber(oldest[2]) + bounds.per or NEVER
end

local function room_in(lane)
  return lane and room(lane.bounds, lane.running, lane.started) or ENDLESS
end

local function first_parked(name, most)
  return redis.call('ZRANGE', key('parked', name), 0, math.min(most, PARKS) - 1)
end

local function wake_in(name, now)
  local lane = lanes.standing(name, now)
  local free = room_in(lane)
  if free <= 0 then
    redis.call('ZADD', key('look'), opens_at(lane), name)
    return 0
  end
  local ids = first_parked(name, free)
  if #ids == 0 then
    redis.call('ZREM', key('look'), name)
    return 0
  end
  desk.load(ids)
  for _, id in ipairs(ids) do
    moves.wake(desk.get(id))
  end
  redis.call('ZADD', key('look'), AT_ONCE, name)
  return #ids
end

-- Looks at each lane whose instant has come, in order of name; tells how many runs woke.
function lanes.wake(now)
  local names = redis.call('ZRANGEBYSCORE', key('look'), '-inf', now)
  local woken = 0
  if #names > 0 then
    table.sort(names, before)
    for _, name in ipairs(names) do
      woken = woken + wake_in(name, now)
    end
    desk.write()
  end
  return woken
end

function lanes.next_look()
  local first = redis.call('ZRANGE', key('look'), 0, 0, 'WITHSCORES')
  if first[2] and first[2] ~= NEVER then
    return tonumber(first[2])
  end
end

-- When limits change

local function concerns(id, name)
  return name == id or family(name) == id
end

local function forget_starts(id)
  for _, name in ipairs(redis.call('ZRANGE', key('rated'), 0, -1)) do
    if concerns(id, name) then
      redis.call('DEL', key('starts', name))
      redis.call('ZREM', key('rated'), name)
    end
  end
end

local function look_at_all_of(id)
  for _, name in ipairs(redis.call('ZRANGE', key('look'), 0, -1)) do
    if concerns(id, name) then
      redis.call('ZADD', key('look'), AT_ONCE, name)
      hints.note('runs', 0)
    end
  end
end

-- Another limit stands for this lane or family; `after` is nil if none does.
function lanes.limit_changed(id, after)
  local packed = redis.call('HGET', key('bounds'), id)
  local old, new = packed and read_bounds(packed), after and read_bounds(after)
  if not old or not new or old.starts ~= new.starts or old.per ~= new.per then
    forget_starts(id)
  end
  look_at_all_of(id)
  if after then
    redis.call('HSET', key('bounds'), id, after)
  else
    redis.call('HDEL', key('bounds'), id)
  end
  return not old or not new
end

-- Counts anew who holds a place in the limited lanes.
function lanes.recount()
  redis.call('DEL', key('busy'))
  lanes.known, lanes.ways = {}, {}
  if redis.call('HLEN', key('bounds')) == 0 then
    return
  end
  local ids = redis.call('SMEMBERS', key('state', 'running'))
  desk.load(ids)
  for _, id in ipairs(ids) do
    for _, name in ipairs(lanes.names_of(desk.get(id))) do
      if bounds_of(name) then
        redis.call('HINCRBY', key('busy'), name, 1)
      end
    end
  end
end
