-- ARGV 4: the position to read after, or nothing; 5: entries wanted.
-- Answers the newest position and the entries, one more than was wanted if there are more; or
-- nothing where the position is unknown.
local after = ARGV[4]
if not run then
  -- A moment that was handed out for an empty log is the only position that can be known.
  local known = after == '' or (string.sub(after, -#LAST - 1) == '-' .. LAST
    and not before(after, unknown_before) and before(after, moment(now + 1)))
  if not known then return false end
  return {moment(now), {}}
end
local dropped = floor
drop(function(entry) return before(entry, oldest_kept) end)
if dropped ~= floor then
  redis.call('HSET', KEYS[2], 'floor', floor, 'bytes', string.format('%d', bytes))
end
local newest = last
if before(newest, floor) then newest = floor end
local start = '-'
if after ~= '' then
  if before(after, floor) or before(newest, after) then return false end
  start = '(' .. after
end
return {newest, redis.call('XRANGE', KEYS[1], start, '+', 'COUNT', tonumber(ARGV[5]) + 1)}
