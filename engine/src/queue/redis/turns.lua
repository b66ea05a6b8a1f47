-- Lines of tenants at levels, and who takes part.
local LEVELS = 10
local function key(kind, level) return topic .. kind .. level end
local function line(level, tenant) return topic .. ':wait:' .. level .. ':' .. tenant end

-- A record: priority, due time, sequence, the pointer itself; the tenant.
local RECORD = 44
local function read(rec)
  -- What is no record is handed out like one, so that whoever pulls it throws it out.
  if #rec < RECORD then return { priority = 1, due = 0, seq = 0, tenant = '' } end
  local priority, due, seq, _, at = struct.unpack('>Bddc27', rec)
  if due ~= due then due = 0 end
  return { priority = priority, due = due, seq = seq, tenant = rec:sub(at) }
end

-- Changes of counts that are not written yet, and the oldest due time that this
-- script put into a line since then.
local waiting_more, busy_more, joined = {}, {}, {}

-- Lets a tenant take part at a level, from where the least served one is: who was
-- idle has no credit for the past. One whose line was empty for less than a turn
-- is still in the ring, and stays where it is: nor does it gain who comes and goes.
local function join(level, tenant)
  if call('ZSCORE', parked, tenant) then return end
  local ring = key(':ring:', level)
  local least = call('ZRANGE', ring, 0, 0, 'WITHSCORES')[2]
  call('ZADD', ring, 'NX', least or 0, tenant)
end

-- Lets a tenant take part again wherever it has something waiting.
local function unpark(tenant)
  call('ZREM', parked, tenant)
  for level = 1, LEVELS do
    if call('EXISTS', line(level, tenant)) == 1 then join(level, tenant) end
  end
end

-- Writes the changed counts; whether tenants may go on who were at their limit.
local function write_counts()
  local freed, busy = false, topic .. ':busy'
  for tenant, by in pairs(busy_more) do
    if by ~= 0 and call('HINCRBY', busy, tenant, by) <= 0 then call('HDEL', busy, tenant) end
    if by < 0 and call('ZSCORE', parked, tenant) == 'inf' then
      unpark(tenant)
      freed = true
    end
  end
  for level, by in pairs(waiting_more) do
    if by ~= 0 and call('HINCRBY', levels, level, by) <= 0 then
      -- Nobody competes there any more, so no time need be remembered.
      call('HDEL', levels, level)
      call('DEL', key(':ring:', level), key(':ages:', level))
    end
  end
  waiting_more, busy_more, joined = {}, {}, {}
  return freed
end
