return {redis.call('INFO', 'everything'), redis.call('GET', KEYS[2])}
