-- Takes over what an operator set, as of revision ARGV[1], unless what is there
-- is as new: tenant and what it gets, from ARGV[3] on. ARGV[2] is 0 to only ask
-- whether it is wanted.
local revision, controls = topic .. ':revision', topic .. ':controls'
if tonumber(call('GET', revision) or 0) >= tonumber(ARGV[1]) then return 0 end
if ARGV[2] == '0' then return 1 end
call('DEL', controls)
for at = 3, #ARGV, 2 do call('HSET', controls, ARGV[at], ARGV[at + 1]) end
call('SET', revision, ARGV[1])
-- Everybody is looked at again; a pull does so with a few at a time.
call('ZUNIONSTORE', parked, 1, parked, 'WEIGHTS', 0)
wake()
return 1
