"""What hosts answer, in Redis: the rate of those that hold a fleet back, and the growth of their budgets.

`common/growth.py` has the rules.
"""

HEAR = """
-- ARGV: window in ms, kept in ms, every, slower; then (host, limit, most, whether rows wait, complaints, n,
-- step of time*n)*. Returns the limit of each host now.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local window, kept, every, slower = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local P, FULL = KEYS[1], KEYS[2]
local at, out = 5, {}
local function take() at = at + 1; return ARGV[at - 1] end
local function median(key)
  local counts, steps, all = {}, {}, 0
  local found = redis.call('HGETALL', key)
  for i = 1, #found, 2 do
    local step, count = tonumber(found[i]), tonumber(found[i + 1])
    steps[#steps + 1], counts[step], all = step, count, all + count
  end
  table.sort(steps)
  local seen = 0
  for _, step in ipairs(steps) do
    seen = seen + counts[step]
    if 2 * seen >= all then return step, all end
  end
  return 0, 0
end
local function grow(host, usual, most, complaints, times)
  local state, steps = P .. ':growth:' .. host, P .. ':times:' .. host
  local limit = tonumber(redis.call('HGET', state, 'limit')) or usual
  local best = tonumber(redis.call('HGET', state, 'best'))
  for _, step in ipairs(times) do redis.call('HINCRBY', steps, step, 1) end
  local middle, answers = median(steps)
  local is_slower = answers >= every and best and middle > best + slower
  if complaints > 0 or is_slower then
    limit = math.max(usual, math.floor(limit / 2))
  elseif answers >= every then
    limit = math.min(limit + 1, most)
  end
  if answers >= every then
    redis.call('HSET', state, 'best', is_slower and middle or math.min(best or middle, middle))
  end
  if answers >= every or complaints > 0 then
    redis.call('DEL', steps)
    redis.call('HSET', state, 'limit', limit)
  end
  redis.call('PEXPIRE', state, kept)
  redis.call('PEXPIRE', steps, kept)
  return limit
end
while at <= #ARGV do
  local host, limit, most = take(), tonumber(take()), tonumber(take())
  local waits, complaints, n = take() == '1', tonumber(take()), tonumber(take())
  local times = {}
  for i = 1, n do times[i] = take() end
  if most > limit then limit = grow(host, limit, most, complaints, times) end
  if waits and redis.call('ZCOUNT', P .. ':slots:' .. host, now, '+inf') >= limit then
    redis.call('ZADD', FULL, now, host)
  end
  if n > 0 and redis.call('ZSCORE', FULL, host) then
    local rate = P .. ':rate:' .. host
    if redis.call('INCRBY', rate, n) == n then redis.call('PEXPIRE', rate, window) end
  end
  out[#out + 1] = limit
end
return out
"""
"""The one call for what many hosts answered."""
