-- Finding runs: ids in order from the shortest shelves, each looked at; so many in one call, and the caller goes on.

local finding = {}

-- How large a set of live runs may be, which is in no order, to be put in order for a look.
local MOST_UNSORTED = 1000

local IN_NO_ORDER = {[key('state', 'pending')] = true, [key('state', 'running')] = true}

local function size_of(shelves)
  local size = 0
  for _, shelf in ipairs(shelves) do
    local count = redis.call(IN_NO_ORDER[shelf] and 'SCARD' or 'ZCARD', shelf)
    size = size + (IN_NO_ORDER[shelf] and count > MOST_UNSORTED and math.huge or count)
  end
  return size
end

local function every_job()
  local shelves = {}
  for n, job in ipairs(redis.call('SMEMBERS', key('jobs'))) do
    shelves[n] = key('job', job)
  end
  return shelves
end

local function named(way)
  local shelves = {}
  for n, value in ipairs(way[2]) do
    shelves[n] = key(way[1], value)
  end
  return shelves
end

-- The shelves to look through for everything that may match: {kind, values} each.
local function shortest(ways)
  local best = every_job()
  local least = size_of(best)
  for _, way in ipairs(ways) do
    local shelves = named(way)
    local size = size_of(shelves)
    if size < least then
      best, least = shelves, size
    end
  end
  return best
end

local function sorted_ids_on(shelf, query, count)
  local up, ids = query.up, {}
  local every = redis.call('SMEMBERS', shelf)
  table.sort(every, function(one, other)
    return before(one, other) == up and one ~= other
  end)
  for _, id in ipairs(every) do
    if #ids < count and (query.after == nil or id ~= query.after and before(query.after, id) == up) then
      ids[#ids + 1] = id
    end
  end
  return ids
end

local function ids_on(shelf, query, count)
  if IN_NO_ORDER[shelf] then
    return sorted_ids_on(shelf, query, count)
  end
  if query.up then
    return redis.call('ZRANGEBYLEX', shelf, query.after and '(' .. query.after or '-', '+', 'LIMIT', 0, count)
  end
  return redis.call('ZREVRANGEBYLEX', shelf, query.after and '(' .. query.after or '+', '-', 'LIMIT', 0, count)
end

local function merged(one, other, up)
  local both, a, b = {}, 1, 1
  while a <= #one and b <= #other do
    local first = before(one[a], other[b]) == up
    both[#both + 1] = first and one[a] or other[b]
    a, b = a + (first and 1 or 0), b + (first and 0 or 1)
  end
  for n = a, #one do
    both[#both + 1] = one[n]
  end
  for n = b, #other do
    both[#both + 1] = other[n]
  end
  return both
end

local function merge_all(lists, up)
  while #lists > 1 do
    local halved = {}
    for n = 1, #lists, 2 do
      halved[#halved + 1] = lists[n + 1] and merged(lists[n], lists[n + 1], up) or lists[n]
    end
    lists = halved
  end
  return lists[1] or {}
end

-- Up to where the shelves that were not read to their end have all been read.
local function horizon(lists, count, up)
  local last = nil
  for _, list in ipairs(lists) do
    local id = list[#list]
    if #list == count and (last == nil or before(id, last) == up) then
      last = id
    end
  end
  return last
end

-- The next ids, and the one up to which that is all; nil if there are no more.
local function next_ids(query)
  local shelves = shortest(query.ways)
  local count = math.max(20, math.floor(LOOKS / math.max(1, #shelves)))
  local lists = {}
  for n, shelf in ipairs(shelves) do
    lists[n] = ids_on(shelf, query, count)
  end
  local last = horizon(lists, count, query.up)
  local ids = {}
  for _, id in ipairs(merge_all(lists, query.up)) do
    ids[#ids + 1] = id
    if id == last then
      break
    end
  end
  return ids, last
end

local function set_of(values)
  local set = {}
  for _, value in ipairs(values) do
    set[value] = true
  end
  return set
end

local function has_all(values, wanted)
  local set = set_of(values or {})
  for _, value in ipairs(wanted) do
    if not set[value] then
      return false
    end
  end
  return true
end

local function among(wanted, value)
  return wanted == nil or (value ~= nil and wanted[value] == true)
end

local function matches(r, query)
  if not (among(query.states, r.state) and among(query.jobs, r.job) and among(query.queues, r.queue)
    and among(query.workers, r.worker)) then
    return false
  end
  local given = run.given(r)
  return among(query.schedules, given.schedule) and among(query.parents, given.parent)
    and (query.since == nil or given.created_at >= query.since)
    and (query.until_ == nil or given.created_at < query.until_)
    and has_all(given.tags, query.tags) and has_all(given.terms, query.terms)
end

local function wanted(values)
  return values and set_of(values) or nil
end

function finding.read(packed)
  local query = {}
  query.ids, query.ways, query.states, query.jobs, query.queues, query.workers, query.schedules, query.parents,
    query.since, query.until_, query.tags, query.terms, query.up, query.after, query.limit = cmsgpack.unpack(packed)
  for _, name in ipairs({'states', 'jobs', 'queues', 'workers', 'schedules', 'parents'}) do
    query[name] = wanted(query[name])
  end
  return query
end

-- Looks at so many runs and gives each that matches to `see`, until that says stop; tells where to go on, or nil.
function finding.look(query, see)
  local ids, last = query.ids, nil
  if ids == nil then
    ids, last = next_ids(query)
  end
  desk.load(ids)
  for _, id in ipairs(ids) do
    local r = desk.glance(id)
    if r and matches(r, query) and see(r) then
      return id
    end
  end
  return last
end

function finding.page(query)
  local blobs = {}
  local last = finding.look(query, function(r)
    blobs[#blobs + 1] = r.blob
    return #blobs == query.limit
  end)
  return {as_list(blobs), last or ''}
end

-- Counting

local function of_terms(path)
  local head = path .. '\0'
  return function(r)
    local values = {}
    for _, term in ipairs(run.given(r).terms or {}) do
      if string.sub(term, 1, #head) == head then
        values[1] = string.sub(term, #head + 1)
      end
    end
    return values
  end
end

local function of_tags(r)
  local values = {}
  for tag in pairs(set_of(run.given(r).tags or {})) do
    values[#values + 1] = tag
  end
  return values
end

local function of_field(name)
  return function(r)
    local value = r[name]
    if value == nil then
      value = run.given(r)[name]
    end
    return {value}
  end
end

local function things(by)
  if string.sub(by, 1, 5) == 'meta.' then
    return of_terms(string.sub(by, 6))
  end
  return by == 'tag' and of_tags or of_field(by)
end

function finding.tally(query, by)
  local counts, has = {}, things(by)
  local last = finding.look(query, function(r)
    for _, value in ipairs(has(r)) do
      counts[value] = (counts[value] or 0) + 1
    end
  end)
  local told = {last or ''}
  for value, count in pairs(counts) do
    told[#told + 1] = value
    told[#told + 1] = count
  end
  return told
end

-- How many runs are in each state, from the sizes of the indexes: those that succeeded are what is left of all.
function finding.states()
  local succeeded, told = size_of(every_job()), {}
  for _, state in ipairs({'pending', 'running', 'failed', 'cancelled', 'skipped'}) do
    local set = key('state', state)
    local count = redis.call(IN_NO_ORDER[set] and 'SCARD' or 'ZCARD', set)
    succeeded = succeeded - count
    told[#told + 1] = state
    told[#told + 1] = count
  end
  told[#told + 1] = 'succeeded'
  told[#told + 1] = succeeded
  return told
end
