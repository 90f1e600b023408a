-- Records: schedules, limits and workers, by kind and in order of id.

local keeping = {}

local BOOKS = {schedule = 'schedules', limit = 'limits', worker = 'workers'}

local function ids_of(kind)
  return key(kind .. '-ids')
end

-- Keeps a record: {id, body}
function keeping.put(kind, item)
  redis.call('HSET', key(BOOKS[kind]), item[1], item[2])
  redis.call('ZADD', ids_of(kind), 0, item[1])
end

function keeping.drop(kind, id)
  redis.call('ZREM', ids_of(kind), id)
  return redis.call('HDEL', key(BOOKS[kind]), id)
end

function keeping.page(kind, after, limit)
  return redis.call('ZRANGEBYLEX', ids_of(kind), '(' .. after, '+', 'LIMIT', 0, limit)
end

function keeping.bodies(kind, ids)
  if #ids == 0 then
    return as_list({})
  end
  local bodies = {}
  for _, body in ipairs(redis.call('HMGET', key(BOOKS[kind]), unpack(ids))) do
    if body then
      bodies[#bodies + 1] = body
    end
  end
  return as_list(bodies)
end
