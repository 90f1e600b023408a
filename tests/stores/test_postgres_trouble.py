"""When the server, or the way to it, is in trouble: a clear error, nothing half done, and all is well afterwards."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress

import asyncpg
import pytest
from msgspec.structs import replace

from foliot.errors import FoliotError, SettingsError, StoreCorrupt, StoreError, StoreFull, StoreUnavailable
from foliot.model import (
    Beat,
    Change,
    Claim,
    Ending,
    Fate,
    Firing,
    Line,
    Query,
    Run,
    Schedule,
    State,
    Unique,
    Worker,
)
from foliot.moments import SECOND
from foliot.stores import open_store
from foliot.stores.postgres import PostgresStore
from foliot.stores.postgres.connections import patience
from foliot.stores.postgres.trouble import explained
from foliot.testing.servers import PostgresServer, ServerMissing
from foliot.testing.servers.program import Program, free_port, identity

A_RUN = Run(id="a", job="job", due_at=0, created_at=0)
WISH = Claim(worker="w", limit=5, lease=100)


@pytest.fixture(scope="module")
def own() -> Iterator[PostgresServer]:
    """A server to maltreat."""
    try:
        with PostgresServer() as server:
            yield server
    except ServerMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture
async def store(own: PostgresServer, namespace: str) -> AsyncIterator[PostgresStore]:
    own.start()
    store = PostgresStore(own.url, namespace=namespace)
    await store.open()
    yield store
    await store.close()


async def administered(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


async def refusal(url: str) -> FoliotError:
    with pytest.raises(FoliotError) as refused:
        await open_store(url).open()
    assert "secret" not in str(refused.value)
    return refused.value


async def test_a_server_that_is_not_there_is_unavailable():
    problem = await refusal(f"postgresql://ada:secret@127.0.0.1:{free_port()}/db")

    assert isinstance(problem, StoreUnavailable)
    assert "cannot be reached" in str(problem)


@pytest.mark.parametrize(
    ("change", "remedy"),
    [
        (lambda url: url.removesuffix("/postgres") + "/nowhere", "make it (createdb)"),
        (lambda url: url.replace("postgres@", "nobody:secret@"), "correct the store's URL"),
        (lambda url: f"{url}?sslmode=perhaps", "cannot be read"),
        (lambda url: f"{url}?no_such_setting=1", "cannot be read"),
    ],
)
async def test_a_url_that_leads_nowhere_is_a_setting_to_correct(own: PostgresServer, change, remedy: str):
    own.start()

    problem = await refusal(change(own.url))

    assert isinstance(problem, SettingsError)
    assert remedy in str(problem)


async def test_a_user_without_rights_is_told_what_to_ask_for(own: PostgresServer):
    own.start()
    await administered(own.url, "CREATE ROLE guest LOGIN")

    problem = await refusal(own.url.replace("postgres@", "guest@"))

    assert isinstance(problem, SettingsError)
    assert "foliot migrate --sql" in str(problem)


async def test_a_read_only_server_is_unavailable_and_named(own: PostgresServer, store: PostgresStore):
    await administered(
        own.url, "CREATE ROLE reader LOGIN SUPERUSER", "ALTER ROLE reader SET default_transaction_read_only = on"
    )
    reader = PostgresStore(own.url.replace("postgres@", "reader@"), namespace=store.address.namespace)
    await reader.open()

    with pytest.raises(StoreUnavailable, match="name the primary"):
        await reader.add([A_RUN], 0)

    assert (await reader.find(Query())).runs == ()
    await reader.close()


@pytest.fixture
async def standby(own: PostgresServer, store: PostgresStore) -> AsyncIterator[PostgresStore]:
    """The same store, with a run in it, on a replica that follows the server."""
    await store.add([A_RUN], 0)
    port = free_port()
    replica = await asyncio.to_thread(following, own, port)
    yield PostgresStore(f"postgresql://postgres@127.0.0.1:{port}/postgres", namespace=store.address.namespace)
    replica.kill()


def following(own: PostgresServer, port: int) -> Program:
    """A server made of what this one has written, that goes on reading what it writes."""
    home, user = own.home / "standby", own.programs[0].user
    copying = [own.programs_at / "pg_basebackup", "-D", home, "-d", own.url, "-c", "fast", "-R", "--no-sync"]
    subprocess.run(copying, check=True, capture_output=True, cwd=own.home, **identity(user))
    options = ["-p", str(port), "--listen_addresses=127.0.0.1", "--unix_socket_directories=", "--max_connections=200"]
    replica = Program([own.programs_at / "postgres", "-D", home, *options], own.home, user=user)
    replica.start()
    probe = [own.programs_at / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
    replica.until(lambda: subprocess.run(probe, check=False).returncode == 0)
    return replica


async def test_a_replica_answers_questions_and_says_where_to_write(store: PostgresStore, standby: PostgresStore):
    await standby.open()

    with pytest.raises(StoreUnavailable, match="name the primary"):
        await standby.add([replace(A_RUN, id="b")], 0)
    with pytest.raises(StoreUnavailable, match="name the primary"):
        await standby.claim(WISH, 0)
    with pytest.raises(StoreUnavailable, match="name the primary"):
        await PostgresStore(standby.address.url, namespace="elsewhere").open()

    assert await everything(standby) == await everything(store)
    await standby.close()


async def test_a_password_counts_where_the_server_asks_for_one(own: PostgresServer, namespace: str):
    own.start()
    rules = own.home / "data" / "pg_hba.conf"
    rules.write_text(f"host all ada 127.0.0.1/32 scram-sha-256\n{rules.read_text()}")
    database = own.url.rpartition("/")[2]
    await administered(own.url, "CREATE ROLE ada LOGIN PASSWORD 'right'", f"GRANT CREATE ON DATABASE {database} TO ada")
    await administered(own.url, "SELECT pg_reload_conf()")

    problem = await refusal(own.url.replace("postgres@", "ada:secret@"))
    store = PostgresStore(own.url.replace("postgres@", "ada:right@"), namespace=namespace)
    await store.open()

    assert isinstance(problem, SettingsError)
    assert "correct the store's URL" in str(problem)
    assert (await store.add([A_RUN], 0))[0].fate is Fate.ADDED
    await store.close()


async def test_a_user_who_may_look_but_not_write_is_told_what_to_ask_for(own: PostgresServer, store: PostgresStore):
    schema = store.address.namespace
    await administered(
        own.url,
        "CREATE ROLE onlooker LOGIN",
        f"GRANT USAGE ON SCHEMA {schema} TO onlooker",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO onlooker",
    )
    onlooker = PostgresStore(own.url.replace("postgres@", "onlooker@"), namespace=schema)
    await onlooker.open()

    with pytest.raises(SettingsError, match="let its owner grant it"):
        await onlooker.add([A_RUN], 0)

    assert (await onlooker.find(Query())).runs == ()
    await onlooker.close()


async def test_a_store_that_is_not_open_says_so(own: PostgresServer):
    with pytest.raises(StoreUnavailable, match="is not open; open it first"):
        await PostgresStore(own.url).add([A_RUN], 0)


async def test_a_server_that_dies_is_unavailable_and_used_again_when_it_is_back(
    own: PostgresServer, store: PostgresStore
):
    await store.add([A_RUN], 0)
    own.kill()

    with pytest.raises(StoreUnavailable):
        await store.claim(WISH, 0)
    with pytest.raises(StoreUnavailable):
        await store.claim(WISH, 0)
    own.start()

    assert [run.id for run in (await store.claim(WISH, 0)).runs] == ["a"]


async def test_a_connection_cut_in_the_middle_of_a_verb_leaves_all_or_nothing_and_repeating_is_safe(
    own: PostgresServer, store: PostgresStore
):
    runs = [Run(id=f"{n:04}", job="job", due_at=0, created_at=0) for n in range(500)]
    adding = asyncio.ensure_future(store.add(runs, 0))
    await asyncio.sleep(0.01)
    await administered(
        own.url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'foliot'"
    )
    outcome = (await asyncio.gather(adding, return_exceptions=True))[0]
    assert isinstance(outcome, list | StoreUnavailable)

    await reconnected(store)
    kept = len(await everything(store))
    again = await store.add(runs, 0)

    assert kept in (0, 500)
    assert len({each.fate for each in again}) == 1
    assert len(await everything(store)) == 500


SCHEDULE = Schedule(id="s", job="job", trigger="{}", created_at=0)
VERBS: dict[str, tuple[str, Callable[[PostgresStore], Awaitable[object]]]] = {
    "add": ("runs", lambda store: store.add([replace(A_RUN, id="b")], 0)),
    "add keyed": ("runs", lambda store: store.add([replace(A_RUN, id="b", unique=Unique(key="u"))], 0)),
    "amend": ("runs", lambda store: store.amend(["a"], Change(cancel="no"), 1)),
    "claim": ("runs", lambda store: store.claim(WISH, 0)),
    "turn": ("runs", lambda store: store.turn([Ending(run="h", token=1, state=State.SUCCEEDED)], WISH, 0)),
    "finish": ("runs", lambda store: store.finish([Ending(run="h", token=1, state=State.SUCCEEDED)], 0)),
    "beat": ("runs", lambda store: store.beat(Worker(id="w"), [Beat(run="h", token=1)], 5, 9)),
    "fire": ("schedules", lambda store: store.fire([Firing(schedule=SCHEDULE, expect=1)], 0, 5)),
    "find": ("runs", lambda store: store.find(Query())),
    "tally": ("runs", lambda store: store.tally(Query(), "state")),
    "lines": ("lines", lambda store: store.lines("a")),
    "put": ("schedules", lambda store: store.put([SCHEDULE])),
    "drop": ("schedules", lambda store: store.drop(Schedule, ["s"])),
    "records": ("schedules", lambda store: store.records(Schedule)),
    "prune": ("runs", lambda store: store.prune(9, None, 5)),
}


@pytest.mark.parametrize("verb", VERBS)
async def test_a_connection_lost_in_the_middle_of_any_verb_leaves_nothing_half_done(
    own: PostgresServer, store: PostgresStore, verb: str
):
    table, do = VERBS[verb]
    await store.add([replace(A_RUN, id="h")], 0)
    await store.claim(WISH, 0)
    await store.add([A_RUN], 0)
    await store.put([SCHEDULE])
    before = await everything(store), await store.records(Schedule)

    async with barred(store, f"{store.address.namespace}.{table}") as connection:
        doing = asyncio.ensure_future(do(store))
        await waits_for_a_lock(connection)
        await connection.execute(CUT)
        with pytest.raises(StoreUnavailable):
            await doing

    assert (await everything(store), await store.records(Schedule)) == before
    await do(store)


CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'foliot'"


@asynccontextmanager
async def barred(store: PostgresStore, table: str) -> AsyncIterator[asyncpg.Connection]:
    """Nobody else gets to this table meanwhile."""
    connection = await asyncpg.connect(store.address.url)
    async with connection.transaction():
        await connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield connection
    await connection.close()


async def waits_for_a_lock(connection: asyncpg.Connection) -> None:
    """Come back as soon as a store's statement waits for the table."""
    while not await connection.fetchval(  # noqa: ASYNC110
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'foliot' AND wait_event_type = 'Lock'"
    ):
        await asyncio.sleep(0.005)


async def test_a_verb_that_is_given_up_leaves_the_store_in_order(store: PostgresStore):
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(store.add([A_RUN], 0), 0.000_001)

    assert (await store.add([A_RUN], 0))[0].fate in (Fate.ADDED, Fate.KNOWN)


async def test_of_an_ending_whose_answer_was_lost_the_repetition_changes_nothing(store: PostgresStore):
    await store.add([A_RUN], 0)
    [run] = (await store.claim(WISH, 0)).runs
    ending = Ending(run="a", token=run.token, state=State.SUCCEEDED, result="1")
    await store.finish([ending], 5)

    assert await store.finish([ending], 9) == [False]
    assert [each.finished_at for each in await everything(store)] == [5]


async def reconnected(store: PostgresStore) -> None:
    """Ask until the connections that were cut are all noticed and forgotten."""
    for _ in range(10):
        with suppress(StoreUnavailable):
            await store.time()
            return


async def everything(store: PostgresStore) -> list[Run]:
    return list((await store.find(Query(limit=1000))).runs)


async def test_verbs_that_stand_in_each_others_way_are_done_again(store: PostgresStore):
    pair = [Run(id=name, job="job", due_at=900, created_at=0) for name in "ab"]
    await store.add(pair, 0)
    connection = await asyncpg.connect(store.address.url)
    runs = f"{store.address.namespace}.runs"

    async with connection.transaction():
        await connection.execute(f"SELECT FROM {runs} WHERE id = 'b' FOR UPDATE")
        ours = asyncio.ensure_future(store.amend(["a", "b"], Change(cancel="no longer wanted"), 1))
        await asyncio.sleep(0.2)
        await connection.execute("SET LOCAL deadlock_timeout = '1min'")
        await connection.execute(f"SELECT FROM {runs} WHERE id = 'a' FOR UPDATE")

    assert [run and run.state for run in await ours] == [State.CANCELLED] * 2
    await connection.close()


@pytest.mark.parametrize(
    ("error", "kind", "remedy"),
    [
        (asyncpg.DiskFullError("could not extend file"), StoreFull, "prune old runs"),
        (asyncpg.DataCorruptedError("invalid page"), StoreCorrupt, "restore a backup"),
        (asyncpg.UndefinedFunctionError("no function add"), StoreCorrupt, "foliot migrate"),
        (asyncpg.TooManyConnectionsError("sorry, too many clients"), StoreUnavailable, "try again"),
        (asyncpg.CannotConnectNowError("starting up"), StoreUnavailable, "try again"),
        (asyncpg.CharacterNotInRepertoireError("0x00"), StoreError, "NUL"),
        (asyncpg.DivisionByZeroError("1 / 0"), StoreError, "nothing was written"),
        (TimeoutError(), StoreUnavailable, "in time"),
        (ConnectionResetError("reset by peer"), StoreUnavailable, "cannot be reached"),
    ],
)
def test_what_the_server_says_is_said_in_our_words(error: Exception, kind: type[FoliotError], remedy: str):
    told = explained(error, "PostgreSQL at host/db")

    assert type(told) is kind
    assert remedy in str(told)
    assert "PostgreSQL at host/db" in str(told)


@pytest.mark.parametrize(("lease", "seconds"), [(30, 10.0), (9, 3.0), (0.1, 2.0), (3600, 30.0)])
def test_who_keeps_leases_gives_up_in_time_to_try_again(lease: float, seconds: float):
    assert patience(round(lease * SECOND)) == seconds


async def test_text_with_nul_in_it_is_refused_and_a_log_line_with_one_is_kept(store: PostgresStore):
    with pytest.raises(StoreError, match="NUL"):
        await store.add([Run(id="a\0", job="job", due_at=0, created_at=0)], 0)
    await store.add([Run(id="a", job="job", due_at=0, created_at=0, meta={"x": "\0"}, args='"\\u0000"')], 0)
    [run] = (await store.claim(WISH, 0)).runs

    await store.finish(
        [Ending(run="a", token=1, state=State.SUCCEEDED, lines=(Line(at=0, level="info", text="a\0b"),))], 1
    )

    assert (run.meta, run.args) == ({"x": "\0"}, '"\\u0000"')
    assert [line.text for line in await store.lines("a")] == ["a\u2400b"]
