-- ARGV 4: the channel; 5: the payload; 6: entries kept; 7: bytes kept; 8: the command that
-- publishes, which differs in a cluster.
if not run then floor = unknown_before end
local id = redis.call('XADD', KEYS[1], '*', 'p', ARGV[5])
bytes = bytes + #ARGV[5]
local count = redis.call('XLEN', KEYS[1])
drop(function(entry)
  local over = count > tonumber(ARGV[6]) or bytes > tonumber(ARGV[7]) or before(entry, oldest_kept)
  if over then count = count - 1 end
  return over
end)
redis.call('HSET', KEYS[2], 'run', ARGV[1], 'floor', floor, 'last', id,
  'bytes', string.format('%d', bytes))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
redis.call(ARGV[8], ARGV[4], '1' .. id .. '\n' .. ARGV[5])
return id
