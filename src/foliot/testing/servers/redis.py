"""Redis servers of our own: one, a cluster of three, and a master with its replica and sentinels."""

from __future__ import annotations

import socket
import subprocess
from contextlib import suppress
from pathlib import Path

from foliot.testing.servers.base import Server
from foliot.testing.servers.program import Program, ServerFailed, binary, free_port

KEPT = {"appendonly": "yes", "appendfsync": "no", "save": ""}
"""Each change is handed to the system before it is answered: killing the server loses nothing."""


class RedisServer(Server):
    """A real Redis that appends every change to a file. ``settings`` are those of redis.conf, with ``_`` for ``-``."""

    variable = "FOLIOT_TEST_REDIS"

    def __init__(self, **settings: str) -> None:
        self._settings = settings
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def _prepare(self) -> list[Program]:
        return [redis_program(self.home / "redis", self.port, **self._settings)]

    def _await(self) -> None:
        self.programs[0].until(lambda: ask(self.port, "PING") == "+PONG")


class RedisClusterServer(Server):
    """A real Redis Cluster of three masters; killing and pausing is for all of them, ``programs`` are each."""

    variable = "FOLIOT_TEST_REDIS_CLUSTER"

    def __init__(self, **settings: str) -> None:
        self._settings = {"cluster_enabled": "yes", "cluster_node_timeout": "2000", **settings}
        self.ports = [free_port(bus=True) for _ in range(3)]
        self.url = f"redis+cluster://{','.join(self._nodes)}/0"

    @property
    def _nodes(self) -> list[str]:
        return [f"127.0.0.1:{port}" for port in self.ports]

    def _prepare(self) -> list[Program]:
        return [redis_program(self.home / str(port), port, **self._settings) for port in self.ports]

    def _await(self) -> None:
        for program, port in zip(self.programs, self.ports, strict=True):
            program.until(lambda port=port: ask(port, "PING") == "+PONG")
        if "cluster_known_nodes:1\r" in ask(self.ports[0], "CLUSTER INFO"):
            self._join()
        for program, port in zip(self.programs, self.ports, strict=True):
            program.until(lambda port=port: "cluster_state:ok" in ask(port, "CLUSTER INFO"))

    def _join(self) -> None:
        command = [binary("redis-cli", package="redis-tools"), "--cluster", "create", *self._nodes, "--cluster-yes"]
        joined = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours
        if joined.returncode:
            raise ServerFailed(f"redis-cli could not join the nodes: {joined.stdout}{joined.stderr}")


class SentinelServer(Server):
    """A real Redis master with one replica, and three sentinels that call it ``mymaster``.

    ``kill_master`` starts a failover, which takes a second or two.
    """

    variable = "FOLIOT_TEST_REDIS_SENTINEL"
    name = "mymaster"

    def __init__(self, **settings: str) -> None:
        self._settings = settings
        self.ports = [free_port() for _ in range(2)]
        self.sentinels = [free_port() for _ in range(3)]
        hosts = ",".join(f"127.0.0.1:{port}" for port in self.sentinels)
        self.url = f"redis+sentinel://{hosts}/{self.name}/0"

    def _prepare(self) -> list[Program]:
        master, replica = self.ports
        follows = {**self._settings, "replicaof": f"127.0.0.1 {master}", "repl_diskless_sync_delay": "0"}
        return [
            redis_program(self.home / "0", master, **{"repl_diskless_sync_delay": "0", **self._settings}),
            redis_program(self.home / "1", replica, **follows),
            *(self._sentinel(port, master) for port in self.sentinels),
        ]

    def _sentinel(self, port: int, master: int) -> Program:
        lines = [
            f"port {port}",
            "bind 127.0.0.1",
            f"sentinel monitor {self.name} 127.0.0.1 {master} 2",
            f"sentinel down-after-milliseconds {self.name} 1000",
            f"sentinel failover-timeout {self.name} 3000",
        ]
        home = _made(self.home / f"sentinel-{port}")
        (home / "sentinel.conf").write_text("\n".join(lines) + "\n", "utf-8")
        return Program([_redis_server(), home / "sentinel.conf", "--sentinel"], home)

    def start(self) -> None:
        """Start the master and the replica, and the sentinels when those two know each other."""
        for program in self.programs[:2]:
            program.start()
        self.programs[0].until(lambda: any("master_link_status:up" in ask(port, "INFO") for port in self.ports))
        super().start()

    def _await(self) -> None:
        for program, port in zip(self.programs[2:], self.sentinels, strict=True):
            program.until(lambda port=port: "slaves=1,sentinels=3" in ask(port, "INFO sentinel"))

    @property
    def master(self) -> int:
        """The port of whom the sentinels call the master now."""
        return int(ask(self.sentinels[0], f"SENTINEL get-master-addr-by-name {self.name}").split()[4])

    def kill_master(self) -> None:
        """Kill the master: the sentinels will promote the replica. ``start`` brings it back as a replica."""
        self.programs[self.ports.index(self.master)].kill()


def redis_program(home: Path, port: int, **settings: str) -> Program:
    """A Redis on this port with its data in this directory."""
    every = {"port": str(port), "bind": "127.0.0.1", "dir": str(_made(home)), **KEPT, **settings}
    options = [word for name, value in every.items() for word in (f"--{name.replace('_', '-')}", *_words(value))]
    return Program([_redis_server(), *options], home)


def _words(value: str) -> list[str]:
    return value.split() or [""]


def _redis_server() -> Path:
    return binary("redis-server", package="redis-server")


def _made(home: Path) -> Path:
    home.mkdir(parents=True, exist_ok=True)
    return home


def ask(port: int, command: str) -> str:
    """What a Redis answers to a command, as it stands on the wire; empty if nobody answers within a second."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1) as line:
        line.sendall(f"{command}\r\n".encode())
        return _answer(line)
    return ""


def _answer(line: socket.socket) -> str:
    """A whole reply: a bulk string says in its first line how long it is, an array of two is taken in one piece."""
    said = line.recv(65536).decode(errors="replace")
    while said.startswith("$") and len(said.partition("\r\n")[2]) < int(said[1 : said.index("\r\n")]):
        more = line.recv(65536).decode(errors="replace")
        if not more:
            break
        said += more
    return said.removesuffix("\r\n")
