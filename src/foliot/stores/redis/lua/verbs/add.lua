local now = instant(ARGV[1])
local answers = adding.add(cmsgpack.unpack(ARGV[2]), now)
write_step()
keys.forget_expired(now)
hints.ring()

local odd = {}
for n, answer in ipairs(answers) do
  if answer[1] ~= 'added' then
    odd[#odd + 1] = {n - 1, answer[1], answer[2]}
  end
end
return cmsgpack.pack(odd)
