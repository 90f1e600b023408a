local now, limit = instant(ARGV[1]), tonumber(ARGV[2])
local fired = {}
for n, item in ipairs(cmsgpack.unpack(ARGV[3])) do
  fired[n] = schedules.fire_one(item, now)
end
write_step()
local ids, later = schedules.due(now, limit)
hints.ring()
return {table.concat(fired), schedules.bodies(ids), later and whole(later) or ''}
