-- How long a pointer waits until it counts a level higher, ARGV[1], and how much
-- later than that it may be noticed of one that is pushed behind younger ones.
local age_step, TOLERANCE = tonumber(ARGV[1]), 1000

-- Puts a pointer among those that wait, a level higher for each age step that it
-- did so already.
local function enter(id, p)
  local tenant, due = p.tenant, p.due
  local level = math.min(LEVELS, p.priority + math.max(0, math.floor((now - due) / age_step)))
  local waits = line(level, tenant)
  call('ZADD', waits, due, struct.pack('>d', p.seq) .. id)
  waiting_more[level] = (waiting_more[level] or 0) + 1
  local oldest = joined[waits]
  local first = not oldest and call('ZCARD', waits) == 1
  if first then join(level, tenant) end
  if not oldest or due < oldest then
    joined[waits] = due
    if level < LEVELS and (first or now - due > TOLERANCE) then
      call('ZADD', key(':ages:', level), 'LT', due + (level - p.priority + 1) * age_step, tenant)
    end
  end
end
