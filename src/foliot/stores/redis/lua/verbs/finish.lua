local kept = finishing.finish(cmsgpack.unpack(ARGV[2]), instant(ARGV[1]))
hints.ring()
return kept
