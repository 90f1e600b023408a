local now = instant(ARGV[1])
local kept = finishing.finish(cmsgpack.unpack(ARGV[2]), now)
local batch = claiming.claim(claiming.read(ARGV[3]), now)
hints.ring()
return {kept, batch[1], batch[2]}
