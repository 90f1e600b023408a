"""A PostgreSQL server of our own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from foliot.testing.servers.base import Server
from foliot.testing.servers.program import Program, ServerFailed, binary, free_port, identity

USERS = ("postgres", "nobody")
"""As whom to run it when we are root, which it refuses."""


class PostgresServer(Server):
    """A real PostgreSQL. ``settings`` go onto its command line.

    Data is not synced to the disk: killing the server loses nothing, a power cut of the machine would.
    """

    variable = "FOLIOT_TEST_POSTGRES"

    def __init__(self, **settings: str) -> None:
        self._settings = {
            "fsync": "off",
            "max_connections": "200",
            "unix_socket_directories": "",
            "listen_addresses": "127.0.0.1",
            **settings,
        }
        self.port = free_port()
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    @cached_property
    def programs_at(self) -> Path:
        """The directory of its programs."""
        return binary("postgres", beside="usr/lib/postgresql/*/bin", package="postgresql").resolve().parent

    def _prepare(self) -> list[Program]:
        user = _other_than_root()
        if user is not None:
            shutil.chown(self.home, user)
        data = self.home / "data"
        self._initdb(data, user)
        options = [f"--{name}={value}" for name, value in self._settings.items()]
        command = [self.programs_at / "postgres", "-D", data, "-p", str(self.port), *options]
        return [Program(command, self.home, user=user)]

    def _initdb(self, data: Path, user: str | None) -> None:
        command = [self.programs_at / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"]
        made = subprocess.run(  # noqa: S603 - the command is ours
            command, cwd=self.home, capture_output=True, text=True, check=False, **identity(user)
        )
        if made.returncode:
            raise ServerFailed(f"initdb failed: {made.stderr}")

    def _await(self) -> None:
        probe = [self.programs_at / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        self.programs[0].until(lambda: subprocess.run(probe, check=False).returncode == 0)  # noqa: S603 - ours

    def stop(self) -> None:
        """Let it end in order, hanging up on its clients."""
        self.programs[0].stop(signal.SIGINT)


def _other_than_root() -> str | None:
    if os.geteuid() != 0:
        return None
    import pwd

    for user in USERS:
        with suppress(KeyError):
            return pwd.getpwnam(user).pw_name
    raise ServerFailed(f"PostgreSQL refuses to be run by root, and there is no user {' or '.join(USERS)} here")
