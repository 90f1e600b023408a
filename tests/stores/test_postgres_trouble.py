"""When the server, or the way to it, is in trouble: a clear error, nothing half done, and all is well afterwards."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import asyncpg
import pytest

from foliot.errors import FoliotError, SettingsError, StoreCorrupt, StoreError, StoreFull, StoreUnavailable
from foliot.model import Change, Claim, Ending, Fate, Line, Query, Run, State
from foliot.stores import open_store
from foliot.stores.postgres import PostgresStore
from foliot.stores.postgres.trouble import explained
from foliot.testing.servers import PostgresServer, ServerMissing
from foliot.testing.servers.program import free_port

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
