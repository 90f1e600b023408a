-- New runs that nothing ties to others, alike in all that indexes ask for: {ids}, {runs}. Where one is known already
-- nothing is done, and the answer is 0.
local wakes_at, priority, place, job, schedule, parent = cmsgpack.unpack(ARGV[1])
local count = (#ARGV - 1) / 2
local ids, blobs, alarms, members = {unpack(ARGV, 2, count + 1)}, {}, {}, {}
wakes_at = whole(wakes_at)
for n, id in ipairs(ids) do
  local first, second = 2 * n - 1, 2 * n
  blobs[first], blobs[second] = NAMESPACE .. ':r:' .. id, ARGV[count + 1 + n]
  alarms[first], alarms[second] = wakes_at, id
  members[first], members[second] = '0', id
end
if redis.call('MSETNX', unpack(blobs)) == 0 then
  return 0
end
redis.call('SADD', key('state', 'pending'), unpack(ids))
redis.call('ZADD', places.due(place, priority), unpack(alarms))
redis.call('ZADD', key('job', job), unpack(members))
redis.call('SADD', key('jobs'), job)
if schedule then
  redis.call('ZADD', key('schedule', schedule), unpack(members))
end
if parent then
  redis.call('ZADD', key('parent', parent), unpack(members))
end
places.enter(place, priority)
hints.note('runs', wakes_at)
hints.ring()
return 1
