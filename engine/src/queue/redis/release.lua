-- Puts those of the ids, from ARGV[2] on, that are in flight back in their old
-- places.
local ids = {}
for at = 2, #ARGV do ids[#ids + 1] = ARGV[at] end
local landed, records = land(ids)
for at, id in ipairs(landed) do
  if records[at] then enter(id, records[at]) end
end
write_counts()
if #landed > 0 then wake() end
return #landed
