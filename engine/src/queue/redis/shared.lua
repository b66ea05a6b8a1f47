-- What the scripts share. KEYS[1] is the topic, its name in braces, so that a
-- cluster keeps all its keys on one node; whose keys a script touches is known
-- only inside it, so the rest of the names is made from the first one.
--
-- data        id -> record of a pointer that is in the queue
-- scheduled   id by due time
-- inflight    id by the time until which whoever pulled it was last heard of
-- wait:L:T    sequence and id by due time: what waits at level L for tenant T
-- ring:L      tenants that may be served at level L, by their virtual time
-- left:L      virtual times of tenants that are not in the ring, while they count
-- ages:L      tenants at level L by the time their oldest may go up
-- levels      level -> pointers that wait there
-- busy        tenant -> pointers in flight
-- parked      tenants that may not start anything, by the time to look again
-- controls    tenant -> what an operator set
-- rate:T      from when on tenant T would be within its rate; expires
-- revision    of what the controls were taken from
-- waiting     somebody waits for the bell; expires
local topic, data, scheduled, inflight, bell = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local age_step = tonumber(ARGV[1])
local call = redis.call
local clock = call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local LEVELS = 10

local levels, busy, parked = topic .. ':levels', topic .. ':busy', topic .. ':parked'
local controls = topic .. ':controls'
local function key(kind, level) return topic .. ':' .. kind .. ':' .. level end
local function line(level, tenant) return topic .. ':wait:' .. level .. ':' .. tenant end

-- A record: level, priority, due time, sequence, the pointer itself; the tenant.
local function record(level, priority, due, seq, pointer, tenant)
  return struct.pack('>BBddc27', level, priority, due, seq, pointer) .. tenant
end

local function read(rec)
  local level, priority, due, seq, pointer, at = struct.unpack('>BBddc27', rec)
  return { level = level, priority = priority, due = due, seq = seq, pointer = pointer, tenant = rec:sub(at) }
end

local function place(seq, id) return struct.pack('>d', seq) .. id end

-- Changes of counts that are not written yet, and the oldest due time that this
-- script put into a line since then.
local waiting_more, busy_more, joined = {}, {}, {}
local function count(counts, name, by) counts[name] = (counts[name] or 0) + by end

-- Lets a tenant take part at a level. It resumes where it was, or begins where
-- the least served one is: who was idle has no credit for the past.
local function join(level, tenant)
  if call('ZSCORE', parked, tenant) then return end
  local ring, left = key('ring', level), key('left', level)
  if call('ZSCORE', ring, tenant) then return end
  local least = call('ZRANGE', ring, 0, 0, 'WITHSCORES')[2] or call('ZRANGE', left, 0, 0, 'WITHSCORES')[2]
  local own = call('ZSCORE', left, tenant)
  if own then call('ZREM', left, tenant) end
  call('ZADD', ring, math.max(tonumber(own or 0), tonumber(least or 0)), tenant)
end

-- Takes a tenant out of a level's ring and remembers how much it was served.
-- Of those who left, times that are behind everybody's need not be kept; a few
-- are forgotten each time.
local function leave(level, tenant, time)
  local ring, left = key('ring', level), key('left', level)
  call('ZREM', ring, tenant)
  call('ZADD', left, time, tenant)
  local least = call('ZRANGE', ring, 0, 0, 'WITHSCORES')[2]
  if not least then return end
  local past = call('ZRANGEBYSCORE', left, '-inf', least, 'LIMIT', 0, 8)
  if #past > 0 then call('ZREM', left, unpack(past)) end
end

-- Puts a pointer among those that wait, a level higher for each age step that
-- it did so already.
local function enter(id, p)
  local aged = p.priority + math.floor((now - p.due) / age_step)
  p.level = math.max(p.level, math.min(LEVELS, aged))
  local waits = line(p.level, p.tenant)
  call('ZADD', waits, p.due, place(p.seq, id))
  count(waiting_more, p.level, 1)
  local oldest = joined[waits]
  if not oldest and call('ZCARD', waits) == 1 then join(p.level, p.tenant) end
  if oldest and oldest <= p.due then return end
  joined[waits] = p.due
  if p.level < LEVELS then
    local rises_at = p.due + (p.level - p.priority + 1) * age_step
    call('ZADD', key('ages', p.level), 'LT', rises_at, p.tenant)
  end
end

-- Lets a tenant take part again wherever it has something waiting.
local function unpark(tenant)
  call('ZREM', parked, tenant)
  for level = 1, LEVELS do
    if call('EXISTS', line(level, tenant)) == 1 then join(level, tenant) end
  end
end

-- The records of those of `ids` that are in flight, as id and record.
local function flying(ids)
  local found = {}
  if #ids == 0 then return found end
  local until_when = call('ZMSCORE', inflight, unpack(ids))
  local records = call('HMGET', data, unpack(ids))
  for i, id in ipairs(ids) do
    if until_when[i] then
      call('ZREM', inflight, id)
      if records[i] then
        local p = read(records[i])
        count(busy_more, p.tenant, -1)
        found[#found + 1] = { id, p }
      end
    end
  end
  return found
end

local function put_back(ids)
  local found = flying(ids)
  for _, pair in ipairs(found) do enter(pair[1], pair[2]) end
  return #found
end

-- Moves what is due from the scheduled ones to those that wait.
local function promote(limit)
  local due = call('ZRANGEBYSCORE', scheduled, '-inf', now, 'LIMIT', 0, limit)
  if #due == 0 then return 0 end
  call('ZREM', scheduled, unpack(due))
  for i, rec in ipairs(call('HMGET', data, unpack(due))) do
    if rec then enter(due[i], read(rec)) end
  end
  return #due
end

-- Writes the changed counts; whether tenants may go on who were at their limit.
local function write_counts()
  local freed = false
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
      call('DEL', key('ring', level), key('left', level), key('ages', level))
    end
  end
  waiting_more, busy_more, joined = {}, {}, {}
  return freed
end

-- Wakes whoever waits, in whichever process.
local function wake()
  if call('DEL', topic .. ':waiting') == 1 then call('PUBLISH', bell, '') end
end
