"""What has to be one step with the broker, as Lua. Every key begins with the pool's prefix."""

from typing import Final

# Wakes one worker that waits for jobs and has these labels, of those one with the fewest; a wake-up
# that nobody hears goes to the next one.
_WAKE: Final = """
local function wake(labels, idle, prefix)
  local able = {}
  for _, set in ipairs(redis.call('SMEMBERS', idle)) do
    local has, count = {}, 0
    for label in string.gmatch(set, '[^,]+') do
      has[label], count = true, count + 1
    end
    local fits = true
    for label in string.gmatch(labels, '[^,]+') do
      if not has[label] then fits = false end
    end
    if fits then able[#able + 1] = {count, set} end
  end
  table.sort(able, function(a, b) return a[1] < b[1] end)
  for _, found in ipairs(able) do
    while true do
      local worker = redis.call('SPOP', prefix .. 'idle:' .. found[2])
      if not worker then
        redis.call('SREM', idle, found[2])
        break
      end
      if redis.call('PUBLISH', prefix .. 'to:' .. worker, '') > 0 then return end
    end
  end
end
"""

# KEYS: job, queue, queues, idle. ARGV: body, token, labels, milliseconds to live, prefix.
# Submitting a job that waits already keeps it alive, and wakes one more worker: the last one did
# not take it.
SUBMIT: Final = f"""{_WAKE}
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[4]) then
  redis.call('RPUSH', KEYS[2], ARGV[2])
  redis.call('SADD', KEYS[3], ARGV[3])
else
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
end
wake(ARGV[3], KEYS[4], ARGV[5])
return 1
"""

# KEYS: queues, idle. ARGV: prefix, worker, its labels. This worker waits for nothing now: whatever
# it was woken for, another one is woken instead.
PASS_ON: Final = f"""{_WAKE}
redis.call('SREM', ARGV[1] .. 'idle:' .. ARGV[3], ARGV[2])
for _, labels in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  wake(labels, KEYS[2], ARGV[1])
end
return 1
"""

# KEYS: queues, idle. ARGV: prefix, worker, labels, how many. The first jobs whose labels the worker
# has, those that ask for most first, so that a machine with a rare label is kept for what needs it.
# A worker that gets fewer is noted as one to be woken: in the same step, so that no job comes in
# between.
CLAIM: Final = """
local mine = {}
for label in string.gmatch(ARGV[3], '[^,]+') do mine[label] = true end
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
local jobs, most = {}, tonumber(ARGV[4])
for _, found in ipairs(fitting) do
  local queue = ARGV[1] .. 'queue:' .. found[2]
  while #jobs < most do
    local token = redis.call('LPOP', queue)
    if not token then
      redis.call('SREM', KEYS[1], found[2])
      break
    end
    jobs[#jobs + 1] = redis.call('GETDEL', ARGV[1] .. 'job:' .. token) or nil
  end
end
if #jobs < most then
  redis.call('SADD', ARGV[1] .. 'idle:' .. ARGV[3], ARGV[2])
  redis.call('SADD', KEYS[2], ARGV[3])
end
return jobs
"""

# KEYS: presence, workers, runs, newest run. ARGV: body, identity, milliseconds to live.
# Answers how many runs there are, and which one came last.
SHOW: Final = """
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
redis.call('SADD', KEYS[2], ARGV[2])
local now = redis.call('TIME')
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now[1])
return {redis.call('ZCARD', KEYS[3]), redis.call('MGET', KEYS[4])[1] or ''}
"""

# KEYS: runs, newest run. ARGV: client, seconds to live. Which one came last is known for longer: it
# may be over before a worker looks again.
ANNOUNCE: Final = """
redis.call('ZADD', KEYS[1], redis.call('TIME')[1] + ARGV[2], ARGV[1])
redis.call('SET', KEYS[2], ARGV[1], 'PX', 60000)
return 1
"""

# KEYS: workers. ARGV: prefix. What every worker that is there shows of itself.
WORKERS: Final = """
local all, shown = redis.call('SMEMBERS', KEYS[1]), {}
for first = 1, #all, 1000 do
  local keys = {}
  for i = first, math.min(first + 999, #all) do
    keys[#keys + 1] = ARGV[1] .. 'worker:' .. all[i]
  end
  for i, body in ipairs(redis.call('MGET', unpack(keys))) do
    local identity = all[first + i - 1]
    if body then
      shown[#shown + 1] = {identity, body}
    else
      redis.call('SREM', KEYS[1], identity)
    end
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
redis.call('SPOP', key)
redis.call('ZADD', key, 1, 'x')
redis.call('ZREMRANGEBYSCORE', key, '-inf', 2)
redis.call('ZCARD', key)
redis.call('DEL', key)
redis.call('SET', key, 'x', 'NX', 'PX', 1000)
redis.call('PEXPIRE', key, 1000)
redis.call('MGET', key)
redis.call('GETDEL', key)
redis.call('TIME')
redis.call('PUBLISH', ARGV[1], 'x')
return 1
"""
