"""A process of a proof whose SQLite store has a bug: the one of ``tests/stores/test_mutants.py`` that PLANTED names."""

import os
import sys

from tests.stores.planting import planted
from tests.stores.test_mutants import MUTANTS

if __name__ == "__main__":
    mutant = MUTANTS[os.environ["PLANTED"]]
    with planted(mutant.right, mutant.wrong):
        from foliot.testing.faults.node import main

        sys.exit(main(*sys.argv[1:]))
