-- Who holds which unique key.

local MOST_EXPIRED = 100

local keys = {held = {}, changed = {}}

-- Who holds this key, and until when if that was said: {id, until} or nil.
function keys.standing(name)
  local known = keys.held[name]
  if known == nil then
    local value = redis.call('HGET', key('keys'), name)
    known = false
    if value then
      local bar = string.find(value, '|', 1, true)
      known = {id = string.sub(value, bar + 1), until_ = bar > 1 and instant(string.sub(value, 1, bar - 1)) or nil}
    end
    keys.held[name] = known
  end
  return known or nil
end

function keys.holder(name, now)
  local standing = keys.standing(name)
  if standing and (standing.until_ == nil or not has_come(standing.until_, now)) then
    return standing.id
  end
end

local function change(name, holder)
  keys.held[name] = holder
  keys.changed[name] = true
end

function keys.take(r)
  change(r.unique, {id = r.id, until_ = r.until_})
end

function keys.give_up(r)
  local standing = r.unique and keys.standing(r.unique)
  if standing and standing.id == r.id and standing.until_ == nil then
    change(r.unique, false)
  end
end

local function write_key(name, holder)
  if not holder then
    redis.call('HDEL', key('keys'), name)
    redis.call('ZREM', key('expiring'), name)
  elseif holder.until_ then
    redis.call('HSET', key('keys'), name, whole(holder.until_) .. '|' .. holder.id)
    redis.call('ZADD', key('expiring'), holder.until_, name)
  else
    redis.call('HSET', key('keys'), name, '|' .. holder.id)
    redis.call('ZREM', key('expiring'), name)
  end
end

at_the_end[#at_the_end + 1] = function()
  for name in pairs(keys.changed) do
    write_key(name, keys.held[name])
  end
  keys.changed = {}
end

function keys.forget_expired(now)
  local names = redis.call('ZRANGEBYSCORE', key('expiring'), '-inf', now, 'LIMIT', 0, MOST_EXPIRED)
  if #names > 0 then
    redis.call('HDEL', key('keys'), unpack(names))
    redis.call('ZREM', key('expiring'), unpack(names))
  end
end
