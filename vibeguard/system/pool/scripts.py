"""What has to be one step with the broker, as Lua. Every key begins with the pool's prefix."""

from typing import Final

# KEYS: job, queue, queues. ARGV: body, token, labels, milliseconds to live, wake channel.
# Submitting a job that waits already only keeps it alive.
SUBMIT: Final = """
if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[4])
redis.call('RPUSH', KEYS[2], ARGV[2])
redis.call('SADD', KEYS[3], ARGV[3])
redis.call('PUBLISH', ARGV[5], ARGV[3])
return 1
"""

# KEYS: queues. ARGV: prefix, then the worker's labels. The first job whose labels the worker has,
# those that ask for most first, so that a machine with a rare label is kept for what needs it.
CLAIM: Final = """
local mine = {}
for i = 2, #ARGV do mine[ARGV[i]] = true end
local fitting = {}
for _, set in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local fits, count = true, 0
  for label in string.gmatch(set, '[^,]+') do
    count = count + 1
    if not mine[label] then fits = false end
  end
  if fits then fitting[#fitting + 1] = {count, set} end
end
table.sort(fitting, function(a, b)
  if a[1] ~= b[1] then return a[1] > b[1] end
  return a[2] < b[2]
end)
for _, found in ipairs(fitting) do
  local queue = ARGV[1] .. 'queue:' .. found[2]
  while true do
    local token = redis.call('LPOP', queue)
    if not token then
      redis.call('SREM', KEYS[1], found[2])
      break
    end
    local job = ARGV[1] .. 'job:' .. token
    local body = redis.call('GET', job)
    if body then
      redis.call('DEL', job)
      return body
    end
  end
end
return false
"""

# KEYS: presence, workers, runs. ARGV: body, identity, milliseconds to live.
# Answers how many runs there are.
SHOW: Final = """
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
redis.call('SADD', KEYS[2], ARGV[2])
local now = redis.call('TIME')
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now[1])
return redis.call('ZCARD', KEYS[3])
"""

# KEYS: runs. ARGV: client, seconds to live.
ANNOUNCE: Final = """
redis.call('ZADD', KEYS[1], redis.call('TIME')[1] + ARGV[2], ARGV[1])
return 1
"""

# KEYS: workers. ARGV: prefix. What every worker that is there shows of itself.
WORKERS: Final = """
local shown = {}
for _, identity in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local body = redis.call('GET', ARGV[1] .. 'worker:' .. identity)
  if body then
    shown[#shown + 1] = {identity, body}
  else
    redis.call('SREM', KEYS[1], identity)
  end
end
return shown
"""

# KEYS: a key of no use. ARGV: a channel of no use. Every command that the others use.
PROBE: Final = """
local key = KEYS[1]
redis.call('DEL', key)
redis.call('RPUSH', key, 'x')
redis.call('LPOP', key)
redis.call('SADD', key, 'x')
redis.call('SMEMBERS', key)
redis.call('SREM', key, 'x')
redis.call('ZADD', key, 1, 'x')
redis.call('ZREMRANGEBYSCORE', key, '-inf', 2)
redis.call('ZCARD', key)
redis.call('SET', key, 'x', 'PX', 1000)
redis.call('EXISTS', key)
redis.call('GET', key)
redis.call('PEXPIRE', key, 1000)
redis.call('TIME')
redis.call('DEL', key)
redis.call('PUBLISH', ARGV[1], 'x')
return 1
"""
