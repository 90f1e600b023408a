"""What we measure on: without it no figure means anything."""

import os
import platform
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.environments import disk

SYNCS = 200


def described() -> str:
    """Processors, system, interpreter, how long a synced write takes where databases are put, and what else goes on."""
    return (
        f"{os.cpu_count()} x {_processor()}, {platform.system()} {platform.release()}, "
        f"{platform.python_implementation()} {platform.python_version()}, "
        f"a synced write of 4 KiB takes {_sync():.2f} ms, load {os.getloadavg()[0]:.1f}"
    )


def commit() -> str:
    """The commit that is measured, with a mark if something has changed since."""
    text = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    ).stdout
    return text.strip() or "unknown"


def _processor() -> str:
    return next(_model_names(), platform.processor() or platform.machine())


def _model_names() -> Iterator[str]:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return
    yield from (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))


def _sync() -> float:
    """Milliseconds."""
    took: list[float] = []
    with tempfile.TemporaryFile(dir=disk()) as file:
        for _ in range(SYNCS):
            began = time.perf_counter()
            os.write(file.fileno(), b"x" * 4096)
            os.fsync(file.fileno())
            took.append(time.perf_counter() - began)
    return median(took) * 1000
