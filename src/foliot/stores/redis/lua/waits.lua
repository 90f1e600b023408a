-- Who waits for whom. Who waits for a run stands in one table: its id, or '' for several, who are in a set then.

local SEVERAL = ''

-- How many who waited for one run one step releases.
local MOST_RELEASED = 1000

local waits = {}

-- Which of these are live, each once. Those that are not at hand are not read for that.
local function live_among(ids)
  local live, unread, met = {}, {}, {}
  for _, id in ipairs(ids) do
    local r = desk.seen[id]
    if r == nil and not met[id] then
      unread[#unread + 1] = id
    elseif r and not met[id] and not run.over(r) then
      live[#live + 1] = id
    end
    met[id] = true
  end
  for _, state in ipairs({'pending', 'running'}) do
    for n, inside in ipairs(call_for_each('SMISMEMBER', key('state', state), unread)) do
      if inside == 1 then
        live[#live + 1] = unread[n]
      end
    end
  end
  return live
end

-- Lets this run be released by the end of each of these.
local function await(ids, waiter)
  local alone = {}
  for n, other in ipairs(call_for_each('HMGET', key('awaited'), ids)) do
    local id = ids[n]
    if not other then
      alone[#alone + 1], alone[#alone + 2] = id, waiter
    elseif other ~= waiter then
      redis.call('SADD', key('w', id), waiter)
      if other ~= SEVERAL then
        redis.call('SADD', key('w', id), other)
        redis.call('HSET', key('awaited'), id, SEVERAL)
      end
    end
  end
  call_with_all('HSET', key('awaited'), alone)
end

-- Lets a run wait for those of these that are live, or wake.
function waits.begin(r, upstreams)
  local live = live_among(upstreams)
  if #live > 0 then
    call_with_all('SADD', key('u', r.id), live)
    await(live, r.id)
  end
  moves.settle(r, #live)
end

local function wait_for_nothing(waiter)
  local ids = redis.call('SMEMBERS', key('u', waiter))
  for n, other in ipairs(call_for_each('HMGET', key('awaited'), ids)) do
    if other == waiter then
      redis.call('HDEL', key('awaited'), ids[n])
    elseif other then
      redis.call('SREM', key('w', ids[n]), waiter)
    end
  end
  redis.call('DEL', key('u', waiter))
end

-- This run waits for these no more.
local function let_go(waiter, ids)
  local r = desk.get(waiter)
  if r then
    local gone = 0
    for first = 1, #ids, MOST_ARGUMENTS do
      gone = gone + redis.call('SREM', key('u', waiter), unpack(ids, first, math.min(first + MOST_ARGUMENTS - 1, #ids)))
    end
    if gone > 0 then
      moves.settle(r, r.waits - gone)
    end
  end
end

-- Releases so many of those in a set who waited for this run; tells whether that was all.
local function release_some(set, id)
  local waiters = redis.call('SPOP', set, MOST_RELEASED)
  desk.load(waiters)
  for _, waiter in ipairs(waiters) do
    let_go(waiter, {id})
  end
  return #waiters < MOST_RELEASED
end

-- Releases who waited for this run. If they are too many for one step, the others are put aside: later steps go on.
local function release_several(id)
  local set = key('w', id)
  if not release_some(set, id) and redis.call('EXISTS', set) > 0 then
    local n = redis.call('HINCRBY', key('releasing'), 'last', 1)
    redis.call('RENAME', set, key('let-go', whole(n)))
    redis.call('HSET', key('releasing'), whole(n), id)
    holdups = true
    hints.note('runs', 0)
  end
end

-- Who waited for those that have ended in this step waits for so many less.
function waits.release(ended)
  local awaited, ids_of, waiters = {}, {}, {}
  for n, waiter in ipairs(call_for_each('HMGET', key('awaited'), ended)) do
    if waiter then
      awaited[#awaited + 1] = ended[n]
      if ids_of[waiter] == nil then
        ids_of[waiter] = {}
        waiters[#waiters + 1] = waiter
      end
      ids_of[waiter][#ids_of[waiter] + 1] = ended[n]
    end
  end
  call_with_all('HDEL', key('awaited'), awaited)
  for _, waiter in ipairs(waiters) do
    for _, id in ipairs(waiter == SEVERAL and ids_of[waiter] or {}) do
      release_several(id)
    end
    if waiter ~= SEVERAL then
      let_go(waiter, ids_of[waiter])
    end
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

-- This run is over: it waits for nothing, and whoever waited for it is released when the step is written.
function waits.over(r, waited)
  if waited then
    wait_for_nothing(r.id)
  end
  desk.ended[#desk.ended + 1] = r.id
end
