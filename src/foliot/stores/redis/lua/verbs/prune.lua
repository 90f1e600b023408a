local bounds = {}
bounds.before, bounds.keep, bounds.limit = cmsgpack.unpack(ARGV[1])
return amending.prune(bounds)
