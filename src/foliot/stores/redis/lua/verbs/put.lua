local recount = false
for _, item in ipairs(cmsgpack.unpack(ARGV[1])) do
  local kind = item[1]
  if kind == 'schedule' then
    schedules.put({item[2], item[3], item[4]})
  else
    keeping.put(kind, {item[2], item[3]})
  end
  if kind == 'limit' then
    recount = lanes.limit_changed(item[2], item[4]) or recount
  end
end
if recount then
  lanes.recount()
end
hints.ring()
