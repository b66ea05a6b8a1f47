-- Puts pointers into the queue: id, due time, priority, tenant and pointer of
-- each from ARGV[2] on. One whose id is there already changes nothing.
local pushed = 0
local seq = clock[1] * 1000000 + clock[2]
for at = 2, #ARGV, 5 do
  local id, due, priority, tenant = ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), ARGV[at + 3]
  local rec = struct.pack('>Bddc27', priority, due, seq + pushed, ARGV[at + 4]) .. tenant
  if call('HSETNX', data, id, rec) == 1 then
    if due > now then
      call('ZADD', scheduled, due, id)
    else
      enter(id, { priority = priority, due = due, seq = seq + pushed, tenant = tenant })
    end
    pushed = pushed + 1
  end
end
if pushed > 0 then
  write_counts()
  wake()
end
return pushed
