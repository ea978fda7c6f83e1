-- Opens a new epoch: writes the log of the open day as SQL holds it. Refuses if a higher epoch is there already.
-- KEYS: meta, log.  ARGV: epoch, seq, chain, then seq, body and chain of each event.
local there = redis.call('HMGET', KEYS[1], 'epoch', 'run')
if there[1] and tonumber(there[1]) > tonumber(ARGV[1]) then return {'EPOCH', there[1]} end
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
-- A call that comes a second time, or late: the epoch may be in use, and what was appended under it must stay.
if there[1] == ARGV[1] and there[2] == run then return {'OK', run} end
redis.call('DEL', KEYS[1], KEYS[2])
for i = 4, #ARGV, 3 do
  redis.call('XADD', KEYS[2], ARGV[i] .. '-0', 'event', ARGV[i + 1], 'chain', ARGV[i + 2])
end
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'run', run, 'seq', ARGV[2], 'chain', ARGV[3], 'state', 'OPEN', 'committed', ARGV[2])
return {'OK', run}
