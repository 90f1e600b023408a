return finding.states()
