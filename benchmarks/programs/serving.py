"""Servers that are measured: private children on a free port, that end with the program. Standard library only."""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

PATIENCE = 20.0
PR_SET_PDEATHSIG = 1


def redis() -> str:
    """The URL of a Redis that appends every change to a file and syncs it each second."""
    program = shutil.which("redis-server")
    if program is None:
        raise SystemExit("there is no redis-server; on Debian and Ubuntu: sudo apt install redis-server")
    port = _free_port()
    settings = f"--port {port} --bind 127.0.0.1 --appendonly yes --appendfsync everysec --save".split()
    subprocess.Popen(
        [program, *settings, ""],
        cwd=tempfile.mkdtemp(),
        stdout=subprocess.DEVNULL,
        preexec_fn=end_with_us,  # noqa: PLW1509
    )
    _await(port)
    return f"redis://127.0.0.1:{port}/0"


def _await(port: int) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as line:
                line.sendall(b"PING\r\n")
                if line.recv(16).startswith(b"+PONG"):
                    return
        except OSError:
            time.sleep(0.02)
    raise SystemExit(f"redis-server did not answer within {PATIENCE:g} s")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def end_with_us() -> None:
    """Let this process be killed when the one that started it ends, on Linux."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == 1:
            os._exit(1)
