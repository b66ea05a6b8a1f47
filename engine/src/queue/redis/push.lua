-- Puts pointers into the queue: id, due time, priority, tenant and pointer of
-- each from ARGV[2] on. One whose id is there already changes nothing.
local pushed = 0
local seq = clock[1] * 1000000 + clock[2]
for at = 2, #ARGV, 5 do
  local id, due, priority, tenant, pointer = ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), ARGV[at + 3], ARGV[at + 4]
  if call('HSETNX', data, id, record(priority, priority, due, seq + pushed, pointer, tenant)) == 1 then
    if due > now then
      call('ZADD', scheduled, due, id)
    else
      enter(id, { level = priority, priority = priority, due = due, seq = seq + pushed, tenant = tenant })
    end
    pushed = pushed + 1
  end
end
write_counts()
if pushed > 0 then wake() end
return pushed
