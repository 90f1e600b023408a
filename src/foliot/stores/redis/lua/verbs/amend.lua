local change = {}
change.cancel, change.due_at, change.priority, change.revive, change.lines = cmsgpack.unpack(ARGV[3])
local answer = amending.amend(cmsgpack.unpack(ARGV[2]), change, instant(ARGV[1]))
hints.ring()
return answer
