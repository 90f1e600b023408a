-- The end of a step: who waited for those that have ended is released, and all that was decided is written.

local function write_step()
  if #desk.ended > 0 and redis.call('EXISTS', key('awaited')) > 0 then
    waits.release(desk.ended)
  end
  desk.ended = {}
  desk.write()
  for _, write in ipairs(at_the_end) do
    write()
  end
end
