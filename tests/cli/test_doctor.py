import pytest
from tests.cli.console import Console, nothing

from foliot.model import Schedule, Worker
from foliot.moments import MINUTE
from foliot.scheduler import Scheduler


def test_a_healthy_store_is_well_and_exits_with_0(console: Console):
    console.work(nothing)

    document = console.json("doctor")
    text = console("doctor")

    assert document["ok"] is True
    assert {each["level"] for each in document["findings"]} <= {"ok", "note"}
    assert text.splitlines()[-1] == "All is well."


def test_something_wrong_is_named_with_its_remedy_and_exits_with_1(console: Console):
    async def neglect(scheduler: Scheduler) -> None:
        now = scheduler.clock.now()
        overdue = Schedule(id="s", job="send", trigger='{"every":"1h"}', created_at=now, wakes_at=now - MINUTE)
        await scheduler.store.put([overdue])

    console.prepare(neglect)

    text = console("doctor", exit_code=1)

    assert "1 schedule up to 1m overdue: s; nobody fires" in text
    assert text.splitlines()[-1] == "1 thing wrong."


def test_a_store_that_does_not_open_is_wrong(console: Console):
    (console.folder / "shop.db").write_text("this is no database, " * 100)

    document = console.json("doctor", exit_code=1)

    assert [(each["check"], each["level"]) for each in document["findings"]] == [("store", "wrong")]


def test_a_store_that_cannot_be_written_is_wrong(console: Console, postgres_url: str):
    console.url = postgres_url
    assert "can be read and be written: no runs" in console("doctor")
    console.url = f"{postgres_url}&default_transaction_read_only=on"

    [finding] = console.json("doctor", exit_code=1)["findings"]

    assert finding["text"].endswith("it is a replica, or read-only; name the primary")


def test_settings_are_told_with_where_they_came_from(console: Console, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FOLIOT_LEASE", "7s")
    console.work(nothing)

    settings = {each["name"]: each for each in console.json("doctor")["settings"]}

    assert settings["lease"] == {"name": "lease", "value": "7s", "source": "FOLIOT_LEASE"}
    assert settings["store"]["source"] == "keyword"
    assert settings["grace"]["source"] == "default"


def test_very_many_live_runs_are_looked_at_page_by_page(console: Console, monkeypatch: pytest.MonkeyPatch):
    from foliot.cli import doctor
    from foliot.model import Run

    async def flood(scheduler: Scheduler) -> None:
        now = scheduler.clock.now()
        await scheduler.store.put([Worker(id="w", seen_at=now, slots=1, jobs=("send",))])
        await scheduler.store.add(
            [Run(id=f"{n:05}", job="send", created_at=now, due_at=now, wakes_at=now) for n in range(1500)], now
        )

    console.prepare(flood)
    monkeypatch.setattr(doctor, "MOST", 1001)

    assert "1,500 pending" in console("doctor")
