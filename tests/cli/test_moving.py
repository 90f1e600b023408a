import sqlite3
from contextlib import closing

import pytest
from tests.cli.console import Console, nothing

from foliot.flow.doors import leave
from foliot.model import Limit, Run, Unique, Worker
from foliot.moments import SECOND
from foliot.scheduler import Scheduler


@pytest.fixture
def shop(console: Console) -> Console:
    """The shop has run, and one of its jobs has logged something."""

    async def work(space: dict[str, object]) -> None:
        handle = await space["loud"].enqueue()  # pyright: ignore[reportAttributeAccessIssue]
        await handle.result(timeout=20)

    console.work(work)
    return console


@pytest.fixture
def elsewhere(shop: Console) -> str:
    return f"sqlite:///{shop.folder}/new.db"


def looks(console: Console, url: str, *words: str) -> object:
    console.url, here = url, console.url
    try:
        return console.json(*words)
    finally:
        console.url = here


def test_what_is_moved_is_found_there_with_its_logs(shop: Console, elsewhere: str):
    text = shop("move", shop.url, elsewhere)

    [run] = shop.json("runs", "list")["runs"]
    assert looks(shop, elsewhere, "runs", "list") == shop.json("runs", "list")
    assert looks(shop, elsewhere, "runs", "logs", run["id"]) == shop.json("runs", "logs", run["id"])
    assert looks(shop, elsewhere, "schedules", "list") == shop.json("schedules", "list")
    assert text.startswith("1 run copied, 0 were there already;")
    assert text.splitlines()[-1] == "Both have the same."


def test_a_second_move_finds_all_there_already(shop: Console, elsewhere: str):
    shop("move", shop.url, elsewhere)

    document = shop.json("move", shop.url, elsewhere)

    assert (document["copied"], document["known"], document["same"]) == (0, 1, True)
    assert {each["kind"]: (each["source"], each["target"]) for each in document["compared"]} == {
        "schedules": (3, 3),
        "limits": (1, 1),
        "runs": (1, 1),
        "lines": (2, 2),
    }


def test_a_check_copies_nothing_and_tells_what_differs(shop: Console, elsewhere: str):
    shop("move", shop.url, elsewhere)

    async def change(scheduler: Scheduler) -> None:
        await scheduler.store.put([Limit(id="queue/mail", running=3)])

    shop.prepare(change)

    document = shop.json("move", shop.url, elsewhere, "--check", exit_code=1)
    text = shop("move", shop.url, elsewhere, "--check", exit_code=1)

    [limits] = [each for each in document["compared"] if not each["same"]]
    assert (limits["kind"], limits["source"], limits["target"]) == ("limits", 2, 1)
    assert "limits that are missing or differ: queue/mail" in text
    assert text.splitlines()[-1] == "They differ."


@pytest.mark.parametrize("side", ["source", "target"])
def test_workers_at_work_are_in_the_way_unless_one_insists(shop: Console, elsewhere: str, side: str):
    async def arrive(scheduler: Scheduler) -> None:
        await scheduler.store.put([Worker(id="till", seen_at=scheduler.clock.now())])

    pair = (shop.url, elsewhere) if side == "source" else (elsewhere, shop.url)
    shop("move", shop.url, elsewhere)
    shop.prepare(arrive)

    result = shop.typed("move", *pair)

    assert result.exit_code == 1
    assert f"1 worker at work on {shop.url}: till" in result.stderr
    assert "copy with --live" in result.stderr
    assert shop("move", *pair, "--live").splitlines()[-1] == "Both have the same."


def test_a_worker_that_has_left_is_not_in_the_way_though_something_waits_at_its_door(shop: Console, elsewhere: str):
    async def go(scheduler: Scheduler) -> None:
        now = scheduler.clock.now()
        await scheduler.store.add([Run(id="letter", job="send", created_at=now, due_at=now, target="till")], now)
        await leave(scheduler.store, "till", SECOND, now)
        assert [each.id for each in await scheduler.store.records(Worker)] == ["till"]

    shop.prepare(go)

    assert shop("move", shop.url, elsewhere).splitlines()[-1] == "Both have the same."


def test_runs_whose_key_another_holds_there_are_told(shop: Console, elsewhere: str):
    async def hold(scheduler: Scheduler, id: str) -> None:
        now = scheduler.clock.now()
        await scheduler.store.add([Run(id=id, job="send", created_at=now, due_at=now, unique=Unique(key="k"))], now)

    shop.prepare(lambda scheduler: hold(scheduler, "here"))
    shop.url, here = elsewhere, shop.url
    shop.prepare(lambda scheduler: hold(scheduler, "there"))

    text = shop("move", here, elsewhere, exit_code=1)

    assert "1 run not copied, for another in the target holds their key: here" in text


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        (("sqlite:///shop.db", "sqlite:///./shop.db"), "are one store; name two"),
        (("memory://", "sqlite:///new.db"), "'memory://' is seen by its own process only"),
        (("sqlite:///nowhere.db", "sqlite:///new.db"), "there is no file"),
        (("sqlite:///shop.db", "ftp://new"), "names no store"),
        (("sqlite:///shop.db", "sqlite:///none/new.db"), "none"),
    ],
)
def test_what_cannot_be_moved_is_one_message(shop: Console, pair: tuple[str, str], message: str):
    result = shop.typed("move", *pair)

    assert result.exit_code == 1
    assert message in result.stderr
    assert not (shop.folder / "nowhere.db").exists()


def test_trouble_on_the_way_says_that_it_can_go_on(shop: Console, elsewhere: str, monkeypatch: pytest.MonkeyPatch):
    from foliot.errors import StoreFull
    from foliot.moving import Move

    async def full(self: Move, **_: bool) -> None:
        raise StoreFull("no space left")

    monkeypatch.setattr(Move, "copy", full)

    result = shop.typed("move", shop.url, elsewhere)

    assert result.exit_code == 1
    assert "no space left; what was copied stays: start it again, and it goes on" in result.stderr


def test_on_a_terminal_a_bar_tells_how_far_it_is(shop: Console, elsewhere: str, monkeypatch: pytest.MonkeyPatch):
    from foliot.cli import moving

    monkeypatch.setattr(moving, "on_terminal", lambda: True)

    assert "copying runs" in shop.typed("move", shop.url, elsewhere).stderr


def test_the_source_is_only_read(shop: Console, elsewhere: str):
    def rows() -> list[object]:
        with closing(sqlite3.connect(shop.folder / "shop.db")) as db:
            return [db.execute(f"SELECT * FROM {table}").fetchall() for table in ("runs", "schedules", "limits")]

    before = rows()
    shop("move", shop.url, elsewhere)

    assert rows() == before


def test_an_empty_store_is_moved_too(console: Console):
    console.work(nothing)

    assert "0 runs copied" in console("move", console.url, f"sqlite:///{console.folder}/new.db")
