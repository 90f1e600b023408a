local answer = claiming.claim(claiming.read(ARGV[2]), instant(ARGV[1]))
hints.ring()
return answer
