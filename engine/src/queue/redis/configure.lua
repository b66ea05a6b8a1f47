-- Takes over what an operator set, as of revision ARGV[2], unless what is there
-- is as new: tenant and what it gets, from ARGV[4] on. ARGV[3] is 0 to only ask
-- whether it is wanted.
local revision = topic .. ':revision'
if tonumber(call('GET', revision) or 0) >= tonumber(ARGV[2]) then return 0 end
if ARGV[3] == '0' then return 1 end
call('DEL', controls)
for at = 4, #ARGV, 2 do call('HSET', controls, ARGV[at], ARGV[at + 1]) end
call('SET', revision, ARGV[2])
-- Everybody is looked at again; a pull does so with a few at a time.
call('ZUNIONSTORE', parked, 1, parked, 'WEIGHTS', 0)
wake()
return 1
