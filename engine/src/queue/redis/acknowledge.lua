-- Forgets those of the ids, from ARGV[2] on, that are in flight.
local ids = {}
for at = 2, #ARGV do ids[#ids + 1] = ARGV[at] end
local done = {}
for _, pair in ipairs(flying(ids)) do done[#done + 1] = pair[1] end
if #done > 0 then call('HDEL', data, unpack(done)) end
if write_counts() then wake() end
return #done
