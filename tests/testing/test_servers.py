"""Servers for tests: they can be killed and come back with their data, and they do not outlive who started them."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.waiting import eventually

from foliot.testing.servers import PostgresServer, RedisServer, SentinelServer, ServerFailed, ServerMissing, available
from foliot.testing.servers.program import Program, alive, binary, family
from foliot.testing.servers.redis import ask

PARENT = """
import sys, time
from foliot.testing.servers import RedisServer
with RedisServer() as server:
    print(server.programs[0].pid, flush=True)
    time.sleep(600)
"""


def test_a_killed_redis_comes_back_with_all_it_had_answered_for(redis_server: str):
    with RedisServer() as server:
        ask(server.port, "SET a 1")
        server.kill()
        assert ask(server.port, "GET a") == ""

        server.start()

        assert ask(server.port, "GET a").endswith("1")


def test_a_paused_server_neither_answers_nor_hangs_up(redis_server: str):
    with RedisServer() as server:
        server.pause()
        assert ask(server.port, "PING") == ""

        server.resume()

        assert ask(server.port, "PING") == "+PONG"


def test_a_stopped_server_starts_again_on_its_port(redis_server: str):
    with RedisServer() as server:
        server.stop()
        assert server.programs[0].pid == 0

        server.start()

        assert ask(server.port, "PING") == "+PONG"


def test_a_killed_postgres_leaves_no_process_behind_and_comes_back(postgres_server: str):
    with PostgresServer() as server:
        before = family(server.programs[0].pid)
        server.kill()
        assert len(before) > 3
        assert not any(alive(pid) for pid in before)

        server.start()
        server.stop()

        assert server.programs[0].pid == 0


async def test_a_server_dies_with_who_started_it_even_by_sigkill(redis_server: str):
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert alive(child)

    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()

    await eventually(lambda: not alive(child))


def test_the_data_of_a_server_goes_with_it(redis_server: str):
    with RedisServer() as server:
        home = server.home
        assert home.exists()

    assert not home.exists()


def test_a_server_that_the_environment_names_is_used_as_it_is(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FOLIOT_TEST_REDIS", "redis://elsewhere:6379/3")

    with available(RedisServer) as url:
        assert url == "redis://elsewhere:6379/3"


def test_a_server_that_is_not_installed_is_missed_with_the_remedy():
    with pytest.raises(ServerMissing, match=r"nosuchserver is not here.*apt install nosuch"):
        binary("nosuchserver", beside="nosuch/*/bin", package="nosuch")


def test_a_server_that_ends_by_itself_shows_its_log(redis_server: str):
    with pytest.raises(ServerFailed, match="Bad directive"), RedisServer(no_such_setting="1"):
        pass


def test_a_program_that_ignores_the_request_to_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    stubborn = Program([sys.executable, "-c", STUBBORN], tmp_path)
    stubborn.start()
    stubborn.until(lambda: "ready" in stubborn.log())
    monkeypatch.setattr("foliot.testing.servers.program.PATIENCE", 0.2)

    stubborn.stop()

    assert stubborn.pid == 0


def test_a_program_that_says_nothing_in_time_has_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("foliot.testing.servers.program.PATIENCE", 0.2)
    silent = Program([sys.executable, "-c", "import time; time.sleep(600)"], tmp_path)
    silent.start()

    with pytest.raises(ServerFailed, match="does not answer"):
        silent.until(lambda: False)

    silent.kill()


STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("nodes", ["redis_cluster_server", "sentinel_server"])
def test_servers_of_several_nodes_stand(nodes: str, request: pytest.FixtureRequest):
    url = request.getfixturevalue(nodes)

    assert url.count(",") == 2


async def test_when_the_master_is_killed_its_replica_takes_over(sentinel_server: str):
    with SentinelServer() as server:
        before = server.master
        assert before == server.ports[0]

        server.kill_master()

        await eventually(lambda: server.master == server.ports[1], seconds=60)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is refused by PostgreSQL")
def test_root_runs_postgres_as_somebody_else(postgres_server: str):
    with PostgresServer() as server:
        owner = Path(f"/proc/{server.programs[0].pid}").stat().st_uid

    assert owner != 0
