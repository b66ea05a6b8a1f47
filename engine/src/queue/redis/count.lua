-- Counts: waiting, scheduled, in flight, and waiting at ARGV[1] or above. What
-- is due counts as waiting, and, not yet having a level, as being above. Whether
-- the queue works is judged by this script too, so it writes, though nothing: a
-- replica refuses it like any other write.
call('DEL', topic .. ':never')
local due = call('ZCOUNT', scheduled, '-inf', now)
local waiting, above = due, due
local counts = call('HGETALL', levels)
for at = 1, #counts, 2 do
  waiting = waiting + counts[at + 1]
  if tonumber(counts[at]) >= tonumber(ARGV[1]) then above = above + counts[at + 1] end
end
return { waiting, call('ZCARD', scheduled) - due, call('ZCARD', inflight), above }
