return finding.tally(finding.read(ARGV[1]), ARGV[2])
