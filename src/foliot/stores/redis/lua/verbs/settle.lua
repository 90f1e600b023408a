redis.call('SET', KEYS[2], ARGV[1], 'NX')
