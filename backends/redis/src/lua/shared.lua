-- What both scripts begin with. Positions are the ids of stream entries, `<ms>-<sequence>`.
--
-- KEYS 1: the stream; 2: facts about it; 3: the epoch of all logs, in a cluster of those of a
-- partition.
-- ARGV 1: which run of the server this is; 2: how long entries are kept; 3: how long facts
-- outlive the last entry, both in milliseconds.
--
-- `floor` among the facts is the last position of which it is not known what came before it: the
-- entry that was dropped last, or a moment before which nothing is known. Where there are no
-- facts, nothing was appended since the epoch or for as long as facts are kept.
local LAST = '18446744073709551615'

local function before(a, b)
  local a_ms, a_seq = string.match(a, '^(%d+)-(%d+)$')
  local b_ms, b_seq = string.match(b, '^(%d+)-(%d+)$')
  for _, pair in ipairs({{a_ms, b_ms}, {a_seq, b_seq}}) do
    if #pair[1] ~= #pair[2] then return #pair[1] < #pair[2] end
    if pair[1] ~= pair[2] then return pair[1] < pair[2] end
  end
  return false
end

local function moment(ms)
  return string.format('%d-%s', ms - 1, LAST)
end

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

-- A server that was restarted or emptied has no epoch of its run: it begins one.
local epoch = redis.call('HMGET', KEYS[3], 'run', 'since')
if epoch[1] ~= ARGV[1] then
  redis.call('HSET', KEYS[3], 'run', ARGV[1], 'since', string.format('%d', now))
  epoch[2] = now
end
local unknown_before = moment(math.max(tonumber(epoch[2]), now - tonumber(ARGV[3])))

local facts = redis.call('HMGET', KEYS[2], 'run', 'floor', 'last', 'bytes')
local run, floor, last, bytes = facts[1], facts[2], facts[3], tonumber(facts[4] or '0')
-- What another run appended last may have been lost with it.
if run and run ~= ARGV[1] then
  floor = moment(tonumber(epoch[2]))
  redis.call('HSET', KEYS[2], 'run', ARGV[1], 'floor', floor)
end

-- Drops the oldest entries for as long as `over` says so. As a rule that is one or none.
local function drop(over)
  local some = 1
  while true do
    local oldest = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', some)
    if #oldest == 0 then return end
    for _, entry in ipairs(oldest) do
      if not over(entry[1]) then return end
      redis.call('XDEL', KEYS[1], entry[1])
      bytes = bytes - #entry[2][2]
      if before(floor, entry[1]) then floor = entry[1] end
    end
    some = math.min(some * 4, 64)
  end
end

local oldest_kept = string.format('%d-0', math.max(now - tonumber(ARGV[2]), 0))
