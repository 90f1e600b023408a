-- The desk: runs are read once, changed here, and written together. What follows from a change is told by comparing.

local desk = {seen = {}, changed = {}}

local INDEXED = {pending = true, running = true, failed = true, cancelled = true, skipped = true}

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
    for n, blob in ipairs(values_at(names)) do
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

local function note(r)
  r.noted = true
  desk.changed[#desk.changed + 1] = r
end

function desk.put_new(r)
  r.new = true
  r.was_state, r.was_wakes_at, r.was_priority, r.was_parked, r.was_over_at = nil, nil, nil, nil, nil
  desk.seen[r.id] = r
  note(r)
end

-- This run is about to be changed.
function desk.touch(r)
  r.blob = nil
  if not r.noted then
    r.was_state, r.was_wakes_at, r.was_priority, r.was_parked, r.was_over_at =
      r.state, r.wakes_at, r.priority, r.parked, over_at(r)
    note(r)
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

local function take(set, member)
  local rows = sheet.take[set]
  if rows == nil then
    rows = {}
    sheet.take[set] = rows
  end
  rows[#rows + 1] = member
end

local due_names = {}

local function due_at_place(place, priority)
  local at = due_names[priority]
  if at == nil then
    at = {}
    due_names[priority] = at
  end
  local name = at[place]
  if name == nil then
    name = key('due', whole(priority) .. ':' .. place)
    at[place] = name
  end
  return name
end

-- Places with a due set, each with the priorities in use; those of one worker only are apart.
local places = {known = {}}

function places.book(place)
  return string.sub(place, 1, 1) == '@' and key('doors') or key('places')
end

function places.enter(place, priority)
  local mark = place .. '\0' .. whole(priority)
  if not places.known[mark] then
    places.known[mark] = true
    local inside = redis.call('HGET', places.book(place), place) or ''
    if not string.find(inside, ',' .. whole(priority) .. ',', 1, true) then
      redis.call('HSET', places.book(place), place, (inside == '' and ',' or inside) .. whole(priority) .. ',')
    end
  end
end

function places.leave(place, priority)
  places.known[place .. '\0' .. whole(priority)] = nil
  local inside = redis.call('HGET', places.book(place), place)
  if inside then
    local rest = string.gsub(inside, ',' .. whole(priority) .. ',', ',', 1)
    if rest == ',' then
      redis.call('HDEL', places.book(place), place)
    else
      redis.call('HSET', places.book(place), place, rest)
    end
  end
end

local function move_alarm(r)
  local was, is = r.was_wakes_at, r.wakes_at
  if was == is and r.was_priority == r.priority then
    return
  end
  if was ~= nil and (is == nil or r.was_priority ~= r.priority) then
    take(due_at_place(r.place, r.was_priority), r.id)
  end
  if is ~= nil then
    places.enter(r.place, r.priority)
    put(due_at_place(r.place, r.priority), whole(is), r.id)
  end
end

local function move_in_history(r)
  if over_at(r) then
    put(key('over', r.job), whole(r.finished_at), r.id)
  else
    take(key('over', r.job), r.id)
  end
end

local function move_between_states(r)
  local was, is = r.was_state, r.state
  if INDEXED[was] and was ~= is then
    take(key('state', was), r.id)
  end
  if INDEXED[is] and was ~= is then
    put(key('state', is), '0', r.id)
  end
  if over_at(r) ~= r.was_over_at then
    move_in_history(r)
  end
end

local function move_between_lanes(r)
  local was, is = r.was_parked, r.parked
  if was ~= nil and was ~= is then
    take(key('parked', was), r.id)
    sheet.left[was] = true
  end
  if is ~= nil and (was ~= is or r.was_priority ~= r.priority) then
    put(key('parked', is), run.rank(r), r.id)
    redis.call('ZADD', key('look'), AT_ONCE, is)
  end
end

local function hint_at(r)
  if r.state == 'pending' and r.wakes_at ~= nil and
    (r.was_state ~= 'pending' or r.was_wakes_at ~= r.wakes_at or r.was_priority ~= r.priority) then
    hints.note('runs', r.wakes_at)
  end
end

-- The sets in which a run stays for as long as it is kept.
function desk.shelves_of(r)
  local given = run.given(r)
  local shelves = {key('job', r.job)}
  if given.schedule then
    shelves[#shelves + 1] = key('schedule', given.schedule)
  end
  if given.parent then
    shelves[#shelves + 1] = key('parent', given.parent)
  end
  for _, tag in ipairs(given.tags or {}) do
    shelves[#shelves + 1] = key('tag', tag)
  end
  return shelves
end

local function enter_catalogue(r)
  for _, shelf in ipairs(desk.shelves_of(r)) do
    put(shelf, '0', r.id)
  end
  sheet.jobs[r.job] = true
end

local function write_sheet()
  for first = 1, #sheet.blobs, MOST_ARGUMENTS do
    redis.call('MSET', unpack(sheet.blobs, first, math.min(first + MOST_ARGUMENTS - 1, #sheet.blobs)))
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

function desk.write()
  if #desk.changed == 0 then
    return
  end
  sheet.put, sheet.take, sheet.blobs, sheet.left, sheet.jobs = {}, {}, {}, {}, {}
  local blobs = sheet.blobs
  for _, r in ipairs(desk.changed) do
    r.blob = r.blob or run.write(r)
    local n = #blobs
    blobs[n + 1] = NAMESPACE .. ':r:' .. r.id
    blobs[n + 2] = r.blob
    if r.new then
      enter_catalogue(r)
    end
    move_alarm(r)
    move_between_states(r)
    move_between_lanes(r)
    hint_at(r)
    r.new, r.noted = false, false
  end
  desk.changed = {}
  write_sheet()
end
