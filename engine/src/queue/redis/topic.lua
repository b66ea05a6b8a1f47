-- What all scripts begin with. KEYS[1] is the topic, its name in braces, so that
-- a cluster keeps all its keys on one node; whose keys a script touches is known
-- only inside it, so the rest of the names is made from the first one.
--
-- data        id -> record of a pointer that is in the queue
-- scheduled   id by due time
-- inflight    id by the time until which whoever pulled it vouches for it
-- wait:L:T    sequence and id by due time: what waits at level L for tenant T
-- ring:L      tenants that take turns at level L, by their virtual time
-- ages:L      tenants at level L by the time to see whether their oldest goes up
-- levels      level -> pointers that wait there
-- busy        tenant -> pointers in flight
-- parked      tenants that may not start anything, by the time to look again
-- controls    tenant -> what an operator set
-- revision    of what the controls were taken from
-- rate:T      from when on tenant T would be within its rate; expires
-- waiting     somebody waits for the bell; expires
local topic, data, scheduled, inflight, bell = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local levels, parked = topic .. ':levels', topic .. ':parked'
local call = redis.call
local clock = call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

-- Wakes whoever waits, in whichever process.
local function wake()
  if call('DEL', topic .. ':waiting') == 1 then call('PUBLISH', bell, '') end
end
