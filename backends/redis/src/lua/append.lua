-- KEYS 4, for a publication with a key: the keys that the log has taken, each by when it was.
-- ARGV 4: the channel; 5: the payload; 6: entries kept; 7: bytes kept; 8: the command that
-- publishes, which differs in a cluster; 9: the key, if it has one.
-- Answers the position, or nothing where the key was taken before.
local key, oldest_key = ARGV[9], math.max(now - tonumber(ARGV[2]), 0)

local function append()
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
end

if not key then return append() end

local taken = redis.call('ZSCORE', KEYS[4], key)
if taken and tonumber(taken) >= oldest_key then return false end
-- Before anything is appended: without memory or the right to write, the script ends here.
redis.call('ZADD', KEYS[4], string.format('%d', now), key)
local done, answer = pcall(append)
if not done then
  redis.call('ZREM', KEYS[4], key)
  return type(answer) == 'table' and answer or redis.error_reply(answer)
end
redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', '(' .. string.format('%d', oldest_key))
redis.call('PEXPIRE', KEYS[4], ARGV[2])
return answer
