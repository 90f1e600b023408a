-- The indexes in which a run stays for as long as it is kept.

local shelves = {}

function shelves.of(r)
  local given = run.given(r)
  local sets = {key('job', r.job)}
  if given.schedule then
    sets[#sets + 1] = key('schedule', given.schedule)
  end
  if given.parent then
    sets[#sets + 1] = key('parent', given.parent)
  end
  for _, tag in ipairs(given.tags or {}) do
    sets[#sets + 1] = key('tag', tag)
  end
  return sets
end
