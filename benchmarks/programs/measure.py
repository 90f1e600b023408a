"""What all programs share, with nothing but the standard library: they run in the peers' environments."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Coroutine, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

T = TypeVar("T")


def asked() -> SimpleNamespace:
    """What this program was asked to do."""
    return SimpleNamespace(**json.loads(sys.argv[1]))


def answer(**figures: float) -> None:
    """Give the figures, and end without waiting for whatever else lives in this process."""
    print(json.dumps(figures), flush=True)
    os._exit(0)


def quickly(main: Coroutine[Any, Any, T]) -> T:
    """What an async program answers, under uvloop if its environment has that."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        new_event_loop = None
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(main)


def spread(seconds: Sequence[float], name: str) -> dict[str, float]:
    """The middle, the 99th percentile and the worst of these times, in milliseconds."""
    ordered = sorted(seconds)
    return {
        f"{name}_p50": ordered[len(ordered) // 2] * 1000,
        f"{name}_p99": ordered[len(ordered) * 99 // 100] * 1000,
        f"{name}_max": ordered[-1] * 1000,
    }


def child(**wishes: object) -> subprocess.Popen[str]:
    """This same program in another process, asked for something else, whose answer can be read."""
    command = [sys.executable, sys.argv[0], json.dumps(vars(asked()) | wishes)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def said(process: subprocess.Popen[str]) -> dict[str, float]:
    """The next thing that a child says."""
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        raise RuntimeError(f"the child process ended with {process.wait()}")
    return json.loads(line)


def resident() -> int:
    """How many bytes of memory this process occupies."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        kilobytes = subprocess.run(
            ["ps", "-o", "rss=", "-p", str(os.getpid())], capture_output=True, text=True, check=True
        )
        return int(kilobytes.stdout) * 1024
    return pages * os.sysconf("SC_PAGE_SIZE")


def processor_time() -> float:
    """How many seconds of a processor this process has used."""
    used = os.times()
    return used.user + used.system


class Stopwatch:
    """Measures from when it is made."""

    def __init__(self) -> None:
        self._began = time.perf_counter()

    def seconds(self) -> float:
        """How long it has been."""
        return time.perf_counter() - self._began

    def rate(self, count: int) -> float:
        """So many in a second, if that many were done since."""
        return count / self.seconds()
