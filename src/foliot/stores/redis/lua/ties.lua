-- What ties runs to each other: who holds which unique key, and who waits for whom.

local MOST_EXPIRED = 100

-- How many who waited for one run one step releases.
local MOST_RELEASED = 1000

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

function keys.write()
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

-- Waiting

local waits = {awaited = {}, known = {}}

-- Learn which of these runs are waited for: none, usually.
function waits.meet(ids)
  local names = {}
  for n, id in ipairs(ids) do
    names[n] = key('w', id)
    waits.known[id] = true
  end
  if #names > 0 and redis.call('EXISTS', unpack(names)) > 0 then
    for _, id in ipairs(ids) do
      waits.awaited[id] = true
    end
  end
end

local function is_live(id)
  local r = desk.get(id)
  return r ~= nil and not run.over(r)
end

-- Lets a run wait for those of these that are live, or wake.
function waits.begin(r, upstreams)
  local live = {}
  desk.load(upstreams)
  for _, id in ipairs(upstreams) do
    if not live[id] and is_live(id) then
      live[id] = true
      live[#live + 1] = id
      redis.call('SADD', key('w', id), r.id)
      waits.awaited[id] = true
    end
  end
  if #live > 0 then
    call_with_all('SADD', key('u', r.id), live)
  end
  moves.settle(r, #live)
end

local function wait_for_nothing(id)
  for _, upstream in ipairs(redis.call('SMEMBERS', key('u', id))) do
    redis.call('SREM', key('w', upstream), id)
  end
  redis.call('DEL', key('u', id))
end

-- Releases so many of those in a set who waited for this run; tells whether that was all.
local function release_some(set, id)
  local waiters = redis.call('SPOP', set, MOST_RELEASED)
  desk.load(waiters)
  for _, waiter in ipairs(waiters) do
    local r = desk.get(waiter)
    if r ~= nil and redis.call('SREM', key('u', waiter), id) > 0 then
      moves.settle(r, r.waits - 1)
    end
  end
  return #waiters < MOST_RELEASED
end

-- Releases who waited for this run. If they are too many for one step, the others are put aside: later steps go on.
local function release(id)
  local set = key('w', id)
  if not release_some(set, id) and redis.call('EXISTS', set) > 0 then
    local n = redis.call('HINCRBY', key('releasing'), 'last', 1)
    redis.call('RENAME', set, key('let-go', whole(n)))
    redis.call('HSET', key('releasing'), whole(n), id)
    hints.note('runs', 0)
  end
end

-- Goes on with releases that were too many for one step; tells whether there are any.
function waits.go_on()
  local left = redis.call('HGETALL', key('releasing'))
  for n = 1, #left, 2 do
    if left[n] ~= 'last' then
      if release_some(key('let-go', left[n]), left[n + 1]) then
        redis.call('HDEL', key('releasing'), left[n])
        redis.call('DEL', key('let-go', left[n]))
      end
      desk.write()
      return true
    end
  end
  if #left > 0 then
    redis.call('DEL', key('releasing'))
  end
  return false
end

-- This run is over: it waits for nothing, and whoever waited for it waits for one thing less.
function waits.over(r, waited)
  if waited then
    wait_for_nothing(r.id)
  end
  if waits.awaited[r.id] or not waits.known[r.id] then
    release(r.id)
  end
end
