local kind, dropped = ARGV[1], {}
for n, id in ipairs(cmsgpack.unpack(ARGV[2])) do
  if kind == 'schedule' then
    dropped[n] = schedules.drop(id)
  else
    dropped[n] = keeping.drop(kind, id)
  end
  if kind == 'limit' and dropped[n] > 0 then
    lanes.limit_changed(id, nil)
  end
end
if kind == 'limit' then
  lanes.recount()
end
hints.ring()
return dropped
