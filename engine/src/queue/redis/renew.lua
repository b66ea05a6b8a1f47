-- Says of the ids, from ARGV[2] on, that whoever pulled them is there: they are
-- not put back before ARGV[1] milliseconds from now.
local alive_until = now + tonumber(ARGV[1])
for at = 2, #ARGV do call('ZADD', inflight, 'XX', alive_until, ARGV[at]) end
return #ARGV - 1
