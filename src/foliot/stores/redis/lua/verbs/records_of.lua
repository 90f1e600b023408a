return keeping.bodies(ARGV[1], cmsgpack.unpack(ARGV[2]))
