-- Takes those of `ids` that are in flight out of it: ids and records.
local function land(ids)
  local landed = {}
  for _, id in ipairs(ids) do
    if call('ZREM', inflight, id) == 1 then landed[#landed + 1] = id end
  end
  if #landed == 0 then return landed, landed end
  local records = call('HMGET', data, unpack(landed))
  for at, rec in ipairs(records) do
    if rec then
      records[at] = read(rec)
      local tenant = records[at].tenant
      busy_more[tenant] = (busy_more[tenant] or 0) - 1
    end
  end
  return landed, records
end
