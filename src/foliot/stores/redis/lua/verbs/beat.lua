keeping.put('worker', cmsgpack.unpack(ARGV[2]))
local replies = finishing.beat(cmsgpack.unpack(ARGV[3]), instant(ARGV[1]))
desk.write()
return cmsgpack.pack(replies)
