-- Puts pointers into the queue: id, due time, priority, tenant and pointer of
-- each from ARGV[3] on. Due times are by a clock at which it is ARGV[2] now. One whose id is there
-- already changes nothing, unless it is due later there.
local pushed, moved = 0, 0
-- How far this clock is ahead of that one. What is no more than the way of a
-- message is left alone, so that what is due at once keeps its order.
local ahead, ON_THE_WAY = now - tonumber(ARGV[2]), 250
if math.abs(ahead) <= ON_THE_WAY then ahead = 0 end
local seq = clock[1] * 1000000 + clock[2]
for at = 3, #ARGV, 5 do
  local id, due, priority, tenant = ARGV[at], ahead + tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), ARGV[at + 3]
  local rec = struct.pack('>Bddc27', priority, due, seq + pushed + moved, ARGV[at + 4]) .. tenant
  if call('HSETNX', data, id, rec) == 1 then
    if due > now then
      call('ZADD', scheduled, due, id)
    else
      enter(id, { priority = priority, due = due, seq = seq + pushed + moved, tenant = tenant })
    end
    pushed = pushed + 1
  else
    local due_there = tonumber(call('ZSCORE', scheduled, id) or '-inf')
    if due < due_there then
      call('HSET', data, id, rec)
      if due > now then
        call('ZADD', scheduled, due, id)
      else
        call('ZREM', scheduled, id)
        enter(id, { priority = priority, due = due, seq = seq + pushed + moved, tenant = tenant })
      end
      moved = moved + 1
    end
  end
end
if pushed + moved > 0 then
  write_counts()
  wake()
end
return pushed
