-- Appends events to the log of a hall: one atomic step, no business rule.
-- KEYS: meta, log.  ARGV: epoch, run_id, expected seq, chain after, then body and chain of each event.
-- Every check comes before the first write: an error in Lua does not undo earlier writes.
local meta = redis.call('HMGET', KEYS[1], 'epoch', 'run', 'seq', 'state')
if not meta[1] then return {'NO_EPOCH'} end
if meta[1] ~= ARGV[1] then return {'EPOCH', meta[1]} end
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
if run ~= ARGV[2] or run ~= meta[2] then return {'IDENTITY', run} end
if meta[4] ~= 'OPEN' then return {'CLOSED'} end
if meta[3] ~= ARGV[3] then return {'CONFLICT', meta[3]} end
local seq = tonumber(ARGV[3])
for i = 5, #ARGV, 2 do
  seq = seq + 1
  redis.call('XADD', KEYS[2], string.format('%d-0', seq), 'event', ARGV[i], 'chain', ARGV[i + 1])
end
redis.call('HSET', KEYS[1], 'seq', string.format('%d', seq), 'chain', ARGV[4])
return {'OK', string.format('%d', seq)}
