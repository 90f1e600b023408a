-- What everything else stands on: names of keys, calls with many arguments, hints, answers; and parts made when needed.

-- A part that is made when something of it is first asked for: most steps need few.
local function later(make)
  local how = {}
  function how.__index(_, name)
    how.__index = make()
    return how.__index[name]
  end
  return setmetatable({}, how)
end

local NEVER = 'inf'
local AT_ONCE = 0
local MOST_ARGUMENTS = 2000

local NAMESPACE = KEYS[1]

local function key(kind, name)
  return name == nil and NAMESPACE .. ':' .. kind or NAMESPACE .. ':' .. kind .. ':' .. name
end

-- An instant: a number, or a text where numbers are no longer exact, from the year 2255 on.
local EXACT = 9007199254740992

local function instant(text)
  local number = tonumber(text)
  return number < EXACT and number or text
end

local texts = {}

-- A number as a text with all its digits. In one call the same instants come again and again.
local function whole(number)
  local text = texts[number]
  if text == nil then
    text = type(number) == 'string' and number or string.format('%.0f', number)
    texts[number] = text
  end
  return text
end

-- Whether an instant has come.
local function has_come(at, now)
  if type(at) == 'number' and type(now) == 'number' then
    return at <= now
  end
  local one, other = whole(at), whole(now)
  return #one < #other or #one == #other and one <= other
end

-- Calls a command with as many arguments as one call takes, again and again.
local function call_with_all(command, name, arguments)
  for first = 1, #arguments, MOST_ARGUMENTS do
    local last = math.min(first + MOST_ARGUMENTS - 1, #arguments)
    redis.call(command, name, unpack(arguments, first, last))
  end
end

-- Calls a command that has an answer to each of its arguments.
local function call_for_each(command, name, arguments)
  local answers = {}
  for first = 1, #arguments, MOST_ARGUMENTS do
    local last = math.min(first + MOST_ARGUMENTS - 1, #arguments)
    local some = name and redis.call(command, name, unpack(arguments, first, last))
      or redis.call(command, unpack(arguments, first, last))
    for n, answer in ipairs(some) do
      answers[first + n - 1] = answer
    end
  end
  return answers
end

-- Whether one text comes before another, byte by byte: `<` would ask the server's locale.
local function before(one, other)
  for n = 1, math.min(#one, #other) do
    local a, b = string.byte(one, n), string.byte(other, n)
    if a ~= b then
      return a < b
    end
  end
  return #one < #other
end

local function earlier(one, other)
  if one == nil then
    return other
  end
  return (other == nil or one < other) and one or other
end

-- What parts have to do when a step is written.
local at_the_end = {}

-- Whether anything holds runs up: limits, lanes to be looked at, releases to go on with. Most stores have none.
local holdups = nil

local function any_holdups()
  if holdups == nil then
    holdups = redis.call('EXISTS', key('bounds'), key('look'), key('releasing')) > 0
  end
  return holdups
end

-- Hints: what may be due from when on. The earliest of each topic is told once, at the end.

local hints = {}

function hints.note(topic, at)
  hints[topic] = earlier(hints[topic], tonumber(at))
end

function hints.ring()
  local told = {}
  for _, topic in ipairs({'runs', 'schedules', 'cancels'}) do
    if hints[topic] ~= nil then
      told[#told + 1] = topic .. ' ' .. whole(hints[topic])
    end
  end
  if #told > 0 then
    redis.call('SPUBLISH', key('hints'), table.concat(told, ','))
  end
end

-- Packs texts that are packed already as one list.
local function as_list(packed)
  local count = #packed
  local head = string.char(221, math.floor(count / 16777216) % 256, math.floor(count / 65536) % 256,
    math.floor(count / 256) % 256, count % 256)
  return head .. table.concat(packed)
end
