local kind, after, limit = ARGV[1], ARGV[2], tonumber(ARGV[3])
return keeping.bodies(kind, keeping.page(kind, after, limit))
