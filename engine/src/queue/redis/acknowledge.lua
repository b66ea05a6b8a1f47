-- Forgets those of the ids, ARGV, that are in flight.
local landed = land(ARGV)
if #landed > 0 then call('HDEL', data, unpack(landed)) end
if write_counts() then wake() end
return #landed
