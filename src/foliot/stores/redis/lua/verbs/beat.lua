keeping.put('worker', cmsgpack.unpack(ARGV[2]))
local replies = beating.beat(cmsgpack.unpack(ARGV[3]), instant(ARGV[1]))
write_step()
return cmsgpack.pack(replies)
