-- Takes up to ARGV[2] pointers. They are put back unless renewed within ARGV[3]
-- milliseconds. ARGV[4]: for how long the caller will wait for the bell, 0 not
-- at all.
local max, lease, patience = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])

-- What one pull does besides pulling is bounded, so that none takes long.
local PROMOTED_MAX, PUT_BACK_MAX, UNPARKED_MAX, RISES_MAX, SKIPPED_MAX = 128, 32, 16, max + 2, 32

promote(PROMOTED_MAX)
put_back(call('ZRANGEBYSCORE', inflight, '-inf', now, 'LIMIT', 0, PUT_BACK_MAX))
for _, tenant in ipairs(call('ZRANGEBYSCORE', parked, '-inf', now, 'LIMIT', 0, UNPARKED_MAX)) do unpark(tenant) end
write_counts()

-- The levels at which something waits, the most urgent first.
local function waiting_levels()
  local present = {}
  for _, level in ipairs(call('HKEYS', levels)) do present[#present + 1] = tonumber(level) end
  table.sort(present, function(one, other) return one > other end)
  return present
end

-- The tenant's oldest goes a level up, if it has waited long enough for that.
-- The tenant's next is looked at after those of the others.
local function rise(level, tenant)
  local ages, waits = key('ages', level), line(level, tenant)
  local first = call('ZRANGE', waits, 0, 0)[1]
  local rec = first and call('HGET', data, first:sub(9))
  if not rec then
    if first then count(waiting_more, level, -call('ZREM', waits, first)) end
    call('ZREM', ages, tenant)
    return
  end
  local p = read(rec)
  local rises_at = p.due + (level - p.priority + 1) * age_step
  if rises_at > now then
    call('ZADD', ages, rises_at, tenant)
    return
  end
  local id = first:sub(9)
  call('ZREM', waits, first)
  count(waiting_more, level, -1)
  enter(id, p)
  if call('EXISTS', waits) == 1 then
    call('ZADD', ages, now, tenant)
  else
    joined[waits] = nil
    call('ZREM', ages, tenant)
    local time = call('ZSCORE', key('ring', level), tenant)
    if time then leave(level, tenant, time) end
  end
end

local present, rises = waiting_levels(), 0
for _, level in ipairs(present) do
  while level < LEVELS and rises < RISES_MAX do
    local oldest = call('ZRANGE', key('ages', level), 0, 0, 'WITHSCORES')
    if not oldest[1] or tonumber(oldest[2]) > now then break end
    rises = rises + 1
    rise(level, oldest[1])
  end
end
if rises > 0 then
  write_counts()
  present = waiting_levels()
end

-- How a tenant may be served: its weight, how many it may start, and when it
-- may be looked at again if that is none.
local function allowance(tenant)
  local set = call('HGET', controls, tenant)
  if not set then return 1, max, 0 end
  local weight, concurrency, per_minute, paused = struct.unpack('>dddd', set)
  if paused ~= 0 then return weight, 0, 'inf' end
  local room, again_at = max, 'inf'
  if concurrency >= 0 then
    room = concurrency - tonumber(call('HGET', busy, tenant) or 0) - (busy_more[tenant] or 0)
  end
  if room > 0 and per_minute >= 0 then
    local every, burst = 60000 / per_minute, math.max(1, math.floor(per_minute / 60))
    local free_at = math.max(now, tonumber(call('GET', topic .. ':rate:' .. tenant) or 0))
    room = math.min(room, math.floor((now - free_at) / every + burst))
    again_at = math.ceil(free_at - (burst - 1) * every)
  end
  return weight, room, again_at, per_minute
end

-- Counts starts against a tenant's rate.
local function spend(tenant, per_minute, starts)
  local rate = topic .. ':rate:' .. tenant
  local free_at = math.max(now, tonumber(call('GET', rate) or 0)) + starts * 60000 / per_minute
  call('SET', rate, string.format('%.3f', free_at), 'PX', math.ceil(free_at - now) + 1)
end

local taken, taken_of, skipped = {}, {}, 0
local function serve(level)
  local ring = key('ring', level)
  while #taken < max and skipped < SKIPPED_MAX do
    local first = call('ZRANGE', ring, 0, 1, 'WITHSCORES')
    local tenant, time = first[1], tonumber(first[2])
    if not tenant then return end
    local weight, room, again_at, per_minute = allowance(tenant)
    if room < 1 then
      skipped = skipped + 1
      leave(level, tenant, time)
      call('ZADD', parked, again_at, tenant)
    else
      room = math.min(room, max - #taken)
      -- As many as bring it to where the next one is.
      if first[3] then room = math.min(room, math.max(1, math.ceil((first[4] - time) * weight))) end
      local waits = line(level, tenant)
      local popped = call('ZPOPMIN', waits, room)
      local starts = #popped / 2
      for at = 1, #popped, 2 do
        taken[#taken + 1], taken_of[#taken + 1] = popped[at]:sub(9), tenant
      end
      count(waiting_more, level, -starts)
      count(busy_more, tenant, starts)
      if starts > 0 and per_minute and per_minute >= 0 then spend(tenant, per_minute, starts) end
      time = time + starts / weight
      if starts == room and call('EXISTS', waits) == 1 then
        call('ZADD', ring, time, tenant)
      else
        leave(level, tenant, time)
        call('ZREM', key('ages', level), tenant)
      end
      if starts == 0 then skipped = skipped + 1 end
    end
  end
end
for _, level in ipairs(present) do serve(level) end

local pulled = {}
if #taken > 0 then
  local alive = {}
  for at, rec in ipairs(call('HMGET', data, unpack(taken))) do
    if rec then
      alive[#alive + 1], alive[#alive + 2] = now + lease, taken[at]
      pulled[#pulled + 1], pulled[#pulled + 2] = taken[at], rec:sub(19)
    else
      count(busy_more, taken_of[at], -1)
    end
  end
  if #alive > 0 then call('ZADD', inflight, unpack(alive)) end
end
write_counts()

-- When there will be something to look for: milliseconds, -1 not known.
local wake_in = -1
if #pulled == 0 and skipped >= SKIPPED_MAX then
  wake_in = 0
elseif #pulled == 0 then
  for _, times in ipairs({ scheduled, parked, inflight }) do
    local at = call('ZRANGE', times, 0, 0, 'WITHSCORES')[2]
    if at and at ~= 'inf' and (wake_in < 0 or at - now < wake_in) then wake_in = math.max(0, at - now) end
  end
  if patience > 0 then call('SET', topic .. ':waiting', 1, 'PX', patience) end
end
return { math.ceil(wake_in), pulled }
