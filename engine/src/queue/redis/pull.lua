-- Takes up to ARGV[2] pointers. They are put back unless renewed within ARGV[3]
-- milliseconds. ARGV[4]: for how long the caller will wait for the bell, 0 not
-- at all. ARGV[5]: 1 to tidy up in any case.
local max, lease, patience = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local controls = topic .. ':controls'

-- What one pull does besides pulling is bounded, so that none takes long.
local PROMOTED_MAX, PUT_BACK_MAX, UNPARKED_MAX, RISES_MAX, SKIPPED_MAX = 128, 32, 16, max + 2, 32

-- The levels at which something waits, the most urgent first.
local function waiting_levels()
  local present = call('HKEYS', levels)
  for at, level in ipairs(present) do present[at] = tonumber(level) end
  if #present > 1 then table.sort(present, function(one, other) return one > other end) end
  return present
end

-- Moves what is due to those that wait; puts back what nobody vouches for; looks
-- at those again whose time to be parked is over; lets what waited long enough
-- count a level higher.
local function tidy_up()
  local due = call('ZRANGEBYSCORE', scheduled, '-inf', now, 'LIMIT', 0, PROMOTED_MAX)
  if #due > 0 then
    call('ZREM', scheduled, unpack(due))
    for at, rec in ipairs(call('HMGET', data, unpack(due))) do
      if rec then enter(due[at], read(rec)) end
    end
  end
  local dead = call('ZRANGEBYSCORE', inflight, '-inf', now, 'LIMIT', 0, PUT_BACK_MAX)
  if #dead > 0 then
    local landed, records = land(dead)
    for at, id in ipairs(landed) do
      if records[at] then enter(id, records[at]) end
    end
  end
  local over = call('ZRANGEBYSCORE', parked, '-inf', now, 'LIMIT', 0, UNPARKED_MAX)
  for _, tenant in ipairs(over) do unpark(tenant) end
  write_counts()

  -- The tenant's oldest goes up, if it waited long enough for that. The tenant's
  -- next is looked at after those of the others.
  local function rise(level, tenant)
    local ages, waits = key(':ages:', level), line(level, tenant)
    local first = call('ZRANGE', waits, 0, 0)[1]
    local rec = first and call('HGET', data, first:sub(9))
    local p = rec and read(rec)
    local rises_at = p and p.due + (level - p.priority + 1) * age_step
    if p and rises_at > now then
      call('ZADD', ages, rises_at, tenant)
      return
    end
    if first then waiting_more[level] = (waiting_more[level] or 0) - call('ZREM', waits, first) end
    if p then enter(first:sub(9), p) end
    if call('EXISTS', waits) == 1 then
      call('ZADD', ages, now, tenant)
    else
      joined[waits] = nil
      call('ZREM', ages, tenant)
    end
  end

  local rises = 0
  for _, level in ipairs(waiting_levels()) do
    while level < LEVELS and rises < RISES_MAX do
      local oldest = call('ZRANGE', key(':ages:', level), 0, 0, 'WITHSCORES')
      if not oldest[1] or tonumber(oldest[2]) > now then break end
      rises = rises + 1
      rise(level, oldest[1])
    end
  end
  if rises > 0 then write_counts() end
end

-- How a tenant may be served, of which an operator set something: its weight,
-- how many it may start, and when to look at it again if that is none.
local function allowance(tenant, set)
  local weight, concurrency, per_minute, paused = struct.unpack('>dddd', set)
  if paused ~= 0 then return weight, 0, 'inf', -1 end
  local room, again_at = max, 'inf'
  if concurrency >= 0 then
    room = concurrency - tonumber(call('HGET', topic .. ':busy', tenant) or 0) - (busy_more[tenant] or 0)
  end
  if room > 0 and per_minute >= 0 then
    -- Starts are spread evenly; a second's worth may come at once.
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
  local ring = key(':ring:', level)
  while #taken < max and skipped < SKIPPED_MAX do
    local first = call('ZRANGE', ring, 0, 1, 'WITHSCORES')
    local tenant, time = first[1], tonumber(first[2])
    if not tenant then return end
    local set = call('HGET', controls, tenant)
    local weight, room, again_at, per_minute = 1, max, 0, -1
    if set then weight, room, again_at, per_minute = allowance(tenant, set) end
    if room < 1 then
      skipped = skipped + 1
      call('ZREM', ring, tenant)
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
      waiting_more[level] = (waiting_more[level] or 0) - starts
      busy_more[tenant] = (busy_more[tenant] or 0) + starts
      if starts > 0 and per_minute >= 0 then spend(tenant, per_minute, starts) end
      time = time + starts / weight
      if starts == room then
        -- Who is alone need not be told from others. Should the line be empty now,
        -- that is found out when it is this tenant's turn again.
        if first[3] then call('ZADD', ring, time, tenant) end
      else
        call('ZREM', ring, tenant)
        call('ZREM', key(':ages:', level), tenant)
      end
      if starts == 0 then skipped = skipped + 1 end
    end
  end
end

if ARGV[5] == '1' then tidy_up() end
for _, level in ipairs(waiting_levels()) do serve(level) end
if #taken == 0 and ARGV[5] ~= '1' then
  write_counts()
  tidy_up()
  for _, level in ipairs(waiting_levels()) do serve(level) end
end

local pulled = {}
if #taken > 0 then
  local alive = {}
  for at, rec in ipairs(call('HMGET', data, unpack(taken))) do
    if rec then
      alive[#alive + 1], alive[#alive + 2] = now + lease, taken[at]
      pulled[#pulled + 1], pulled[#pulled + 2] = taken[at], rec:sub(18)
    else
      busy_more[taken_of[at]] = busy_more[taken_of[at]] - 1
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
