-- Reads the log of a hall from a position on. A read that feeds the fold or the flusher is fenced like a write.
-- KEYS: meta, log.  ARGV: epoch, run_id, first seq wanted.
local meta = redis.call('HMGET', KEYS[1], 'epoch', 'run', 'seq', 'chain')
if not meta[1] then return {'NO_EPOCH'} end
if meta[1] ~= ARGV[1] then return {'EPOCH', meta[1]} end
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
if run ~= ARGV[2] or run ~= meta[2] then return {'IDENTITY', run} end
local answer = {'OK', meta[3]}
for _, entry in ipairs(redis.call('XRANGE', KEYS[2], ARGV[3] .. '-0', '+')) do
  local fields = entry[2]
  answer[#answer + 1] = string.match(entry[1], '^%d+')
  answer[#answer + 1] = fields[2]
  answer[#answer + 1] = fields[4]
end
return answer
