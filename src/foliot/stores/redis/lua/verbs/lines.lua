return redis.call('LRANGE', key('lines', ARGV[1]), ARGV[2], ARGV[3])
