-- Puts those of the ids, from ARGV[2] on, that are in flight back in their old
-- places.
local ids = {}
for at = 2, #ARGV do ids[#ids + 1] = ARGV[at] end
local released = put_back(ids)
write_counts()
if released > 0 then wake() end
return released
