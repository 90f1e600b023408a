"""How long an import takes in a process that has loaded nothing else."""

import subprocess
import sys

from measure import answer, asked

SCRIPT = "import time; began = time.perf_counter(); {0}; print(time.perf_counter() - began)"

command = [sys.executable, "-c", SCRIPT.format(asked().statement)]
answer(time=1000 * float(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
