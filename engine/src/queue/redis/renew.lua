-- Says of the ids, from ARGV[3] on, that whoever pulled them is there: they are
-- not put back before ARGV[2] milliseconds from now.
local alive_until = now + tonumber(ARGV[2])
for at = 3, #ARGV do call('ZADD', inflight, 'XX', alive_until, ARGV[at]) end
return #ARGV - 2
