-- Schedules: replaced only by who knows how they stand, and fired with their runs in the same step.

local schedules = {}

local function keep(id, version, body, wakes_at)
  redis.call('HSET', key('versions'), id, version)
  redis.call('HSET', key('schedules'), id, '\146' .. cmsgpack.pack(version) .. body)
  redis.call('ZADD', key('schedule-ids'), 0, id)
  if wakes_at then
    redis.call('ZADD', key('agenda'), wakes_at, id)
    hints.note('schedules', wakes_at)
  else
    redis.call('ZREM', key('agenda'), id)
  end
end

local function version_of(id)
  local version = redis.call('HGET', key('versions'), id)
  return version and tonumber(version)
end

-- Puts a schedule: {id, body, wakes_at}
function schedules.put(item)
  keep(item[1], (version_of(item[1]) or 0) + 1, item[2], item[3])
end

-- Fires a schedule: {id, expect, body, wakes_at, runs}
function schedules.fire_one(item, now)
  if (version_of(item[1]) or 0) ~= item[2] then
    return '0'
  end
  keep(item[1], item[2] + 1, item[3], item[4] or nil)
  adding.add(item[5], now)
  return '1'
end

function schedules.due(now, limit)
  local ids = redis.call('ZRANGEBYSCORE', key('agenda'), '-inf', now, 'LIMIT', 0, limit + 1)
  if #ids > limit then
    ids[#ids] = nil
    return ids
  end
  local later = redis.call('ZRANGEBYSCORE', key('agenda'), '(' .. whole(now), '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  return ids, later[2] and tonumber(later[2]) or nil
end

function schedules.bodies(ids)
  local bodies = {}
  for first = 1, #ids, MOST_ARGUMENTS do
    local last = math.min(first + MOST_ARGUMENTS - 1, #ids)
    for _, body in ipairs(redis.call('HMGET', key('schedules'), unpack(ids, first, last))) do
      bodies[#bodies + 1] = body
    end
  end
  return as_list(bodies)
end

function schedules.drop(id)
  redis.call('HDEL', key('versions'), id)
  redis.call('ZREM', key('schedule-ids'), id)
  redis.call('ZREM', key('agenda'), id)
  hints.note('schedules', 0)
  return redis.call('HDEL', key('schedules'), id)
end
