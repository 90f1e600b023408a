-- The order of claims where several places and priorities are looked at: a merge of their heads.

local merging = {}

-- Reads on in the due set of a spot; what was read stays there until all is decided.
local function read_on(spot, now, count)
  local rows = redis.call('ZRANGEBYSCORE', places.due(spot.place, spot.priority), '-inf', now, 'WITHSCORES', 'LIMIT',
    spot.read, count)
  spot.rows, spot.at, spot.read = rows, 1, spot.read + #rows / 2
  spot.more = #rows / 2 == count
end

local function head_of(spot, now, count)
  if spot.at > #spot.rows and spot.more then
    read_on(spot, now, count)
  end
  return spot.rows[spot.at], spot.rank
end

local function show_head(spot, now, count)
  spot.id = head_of(spot, now, count)
  spot.rank = spot.id and tonumber(spot.rows[spot.at + 1]) - spot.priority * AGEING
  return spot.id ~= nil
end

local function goes_before(one, other)
  if one.rank ~= other.rank then
    return one.rank < other.rank
  end
  return before(one.id, other.id)
end

local function first_of(heads)
  local first = 1
  for n = 2, #heads do
    if goes_before(heads[n], heads[first]) then
      first = n
    end
  end
  return first
end

local function begin(spots, now, count)
  local heads = {}
  for _, spot in ipairs(spots) do
    spot.rows, spot.at, spot.read, spot.more = {}, 1, 0, true
    if show_head(spot, now, count) then
      heads[#heads + 1] = spot
    end
  end
  return heads
end

-- The next due ids in the order of claims.
local function next_ids(heads, now, count)
  local ids = {}
  while #ids < count and #heads > 0 do
    local n = first_of(heads)
    local spot = heads[n]
    ids[#ids + 1] = spot.id
    spot.at = spot.at + 2
    if not show_head(spot, now, count) then
      table.remove(heads, n)
    end
  end
  return ids
end

-- A function that tells the next so many due ids.
function merging.of(spots, now, most)
  local heads = begin(spots, now, most)
  return function(count)
    return next_ids(heads, now, count)
  end
end
