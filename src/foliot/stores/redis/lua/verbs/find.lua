return finding.page(finding.read(ARGV[1]))
