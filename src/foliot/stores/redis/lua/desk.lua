-- The desk: runs are read once, changed here, and written together. What follows from a change is told by comparing.

local desk = {seen = {}, changed = {}, ended = {}}

-- What is live is in a plain set, which is quick; what ended badly in one that is in order. Who succeeded is in none.
local LIVE = {pending = true, running = true}
local ENDED = {failed = true, cancelled = true, skipped = true}

local function over_at(r)
  return run.over(r) and r.finished_at or nil
end

function desk.load(ids)
  local missing, names = {}, {}
  for _, id in ipairs(ids) do
    if desk.seen[id] == nil then
      desk.seen[id] = false
      missing[#missing + 1] = id
      names[#names + 1] = NAMESPACE .. ':r:' .. id
    end
  end
  if #names > 0 then
    for n, blob in ipairs(call_for_each('MGET', nil, names)) do
      desk.seen[missing[n]] = blob and run.read(blob)
    end
  end
end

-- A run of which the first part is enough.
function desk.glance(id)
  if desk.seen[id] == nil then
    desk.load({id})
  end
  return desk.seen[id] or nil
end

function desk.get(id)
  local r = desk.glance(id)
  return r and run.whole(r)
end

function desk.put_new(r)
  r.new, r.was = true, {}
  desk.seen[r.id] = r
  desk.changed[#desk.changed + 1] = r
end

-- This run is about to be changed.
function desk.touch(r)
  r.blob = nil
  if not r.was then
    r.was = {
      state = r.state, wakes_at = r.wakes_at, priority = r.priority, parked = r.parked, over_at = over_at(r),
    }
    desk.changed[#desk.changed + 1] = r
  end
  return r
end

-- Writing

local sheet = {}

local function put(set, score, member)
  local rows = sheet.put[set]
  if rows == nil then
    rows = {}
    sheet.put[set] = rows
  end
  local n = #rows
  rows[n + 1], rows[n + 2] = score, member
end

local function note(page, set, member)
  local rows = page[set]
  if rows == nil then
    rows = {}
    page[set] = rows
  end
  rows[#rows + 1] = member
end

local function take(set, member)
  note(sheet.take, set, member)
end

local function move_alarm(r, was)
  local is = r.wakes_at
  if was.wakes_at == is and was.priority == r.priority then
    return
  end
  if was.wakes_at ~= nil and (is == nil or was.priority ~= r.priority) then
    take(places.due(r.place, was.priority), r.id)
  end
  if is ~= nil then
    places.enter(r.place, r.priority)
    put(places.due(r.place, r.priority), whole(is), r.id)
  end
end

local function move_between_states(r, was)
  if was.state == r.state then
    return
  end
  if LIVE[was.state] then
    note(sheet.gone, was.state, r.id)
  elseif ENDED[was.state] then
    take(key('state', was.state), r.id)
  end
  if LIVE[r.state] then
    note(sheet.come, r.state, r.id)
  elseif ENDED[r.state] then
    put(key('state', r.state), '0', r.id)
  end
end

local function move_in_history(r, was)
  local at = over_at(r)
  if at == was.over_at then
    return
  end
  if at then
    put(key('over', r.job), whole(at), r.id)
  else
    take(key('over', r.job), r.id)
  end
end

local function move_between_lanes(r, was)
  local is = r.parked
  if was.parked ~= nil and was.parked ~= is then
    take(key('parked', was.parked), r.id)
    sheet.left[was.parked] = true
  end
  if is ~= nil and (was.parked ~= is or was.priority ~= r.priority) then
    put(key('parked', is), run.rank(r), r.id)
    redis.call('ZADD', key('look'), AT_ONCE, is)
  end
end

local function hint_at(r, was)
  if r.state == 'pending' and r.wakes_at ~= nil and
    (was.state ~= 'pending' or was.wakes_at ~= r.wakes_at or was.priority ~= r.priority) then
    hints.note('runs', r.wakes_at)
  end
end

local function enter_catalogue(r)
  for _, shelf in ipairs(shelves.of(r)) do
    put(shelf, '0', r.id)
  end
  sheet.jobs[r.job] = true
end

local function write_sheet()
  for first = 1, #sheet.blobs, MOST_ARGUMENTS do
    redis.call('MSET', unpack(sheet.blobs, first, math.min(first + MOST_ARGUMENTS - 1, #sheet.blobs)))
  end
  for state, members in pairs(sheet.gone) do
    call_with_all('SREM', key('state', state), members)
  end
  for state, members in pairs(sheet.come) do
    call_with_all('SADD', key('state', state), members)
  end
  for set, members in pairs(sheet.take) do
    call_with_all('ZREM', set, members)
  end
  for set, members in pairs(sheet.put) do
    call_with_all('ZADD', set, members)
  end
  for job in pairs(sheet.jobs) do
    redis.call('SADD', key('jobs'), job)
  end
  for lane in pairs(sheet.left) do
    if redis.call('EXISTS', key('parked', lane)) == 0 then
      redis.call('ZREM', key('look'), lane)
    end
  end
end

local function write_run(r)
  local was, blobs = r.was, sheet.blobs
  r.blob = r.blob or run.write(r)
  local n = #blobs
  blobs[n + 1], blobs[n + 2] = NAMESPACE .. ':r:' .. r.id, r.blob
  if r.new then
    enter_catalogue(r)
  end
  move_alarm(r, was)
  move_between_states(r, was)
  move_in_history(r, was)
  move_between_lanes(r, was)
  hint_at(r, was)
  r.new, r.was = false, false
end

function desk.write()
  if #desk.changed == 0 then
    return
  end
  sheet.put, sheet.take, sheet.come, sheet.gone, sheet.blobs, sheet.left, sheet.jobs = {}, {}, {}, {}, {}, {}, {}
  for _, r in ipairs(desk.changed) do
    write_run(r)
  end
  desk.changed = {}
  write_sheet()
end
