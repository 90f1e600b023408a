-- Beats of claims, fenced by their tokens: {run, token, progress, lines} each.

local beating = {}

local function beat(item, until_)
  local r = finishing.held(item[1], item[2])
  if r == nil then
    return {'lost'}
  end
  moves.beat(r, item[3], until_)
  concluding.log(r.id, item[4])
  return r.cancelling and {'stop', r.cancelling} or {'keep'}
end

function beating.beat(items, until_)
  finishing.load(items)
  local replies = {}
  for n, item in ipairs(items) do
    replies[n] = beat(item, until_)
  end
  return replies
end
