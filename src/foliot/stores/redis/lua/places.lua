-- Places: where runs wait until they are due, one set for each place and priority. Those of one worker only are apart.

local places = {known = {}, grown = false}

local due_names = {}

function places.due(place, priority)
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

function places.book(place)
  return string.sub(place, 1, 1) == '@' and key('doors') or key('places')
end

-- That this place has a due set of this priority is known.
function places.know(place, priority)
  places.known[place .. '\0' .. priority] = true
end

function places.enter(place, priority)
  if not places.known[place .. '\0' .. whole(priority)] then
    places.know(place, whole(priority))
    local inside = redis.call('HGET', places.book(place), place) or ''
    if not string.find(inside, ',' .. whole(priority) .. ',', 1, true) then
      redis.call('HSET', places.book(place), place, (inside == '' and ',' or inside) .. whole(priority) .. ',')
      places.grown = true
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
