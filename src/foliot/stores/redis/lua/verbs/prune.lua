local bounds = {}
bounds.before, bounds.keep, bounds.looks = cmsgpack.unpack(ARGV[1])
return pruning.prune(bounds, cmsgpack.unpack(ARGV[2]))
