import sys

import pytest
from tests.cli.console import Console


def edit(console: Console, old: str, new: str) -> None:
    """Change the shop's code as a deploy does."""
    code = console.folder / "shop.py"
    text = code.read_text()
    assert old in text
    code.write_text(text.replace(old, new))
    sys.modules.pop("shop")


@pytest.fixture
def applied(console: Console) -> Console:
    """The shop's code as it is has been applied."""
    console("apply", "shop:scheduler")
    return console


def test_on_a_new_store_everything_is_created_and_planning_makes_no_file(console: Console):
    found = console.json("plan", "shop", exit_code=2)
    text = console("plan", "shop", exit_code=2)

    assert found["owner"] == "shop:scheduler"
    assert {each["id"]: each["deed"] for each in found["steps"]} == dict.fromkeys(
        ["foliot.prune", "report", "send", "overlap"], "create"
    )
    assert "shop:scheduler: 4 to create, 0 to change, 0 to remove." in text
    assert not (console.folder / "shop.db").exists()


def test_what_is_applied_is_told_and_then_there_is_nothing_to_do(console: Console):
    assert "4 created, 0 changed, 0 removed." in console("apply", "shop:scheduler")

    assert console.json("plan", "shop:scheduler")["steps"] == []
    assert console("apply", "shop:scheduler").strip() == "shop:scheduler: everything stands as the code declares it."


def test_a_changed_trigger_is_told_with_its_next_firings_before_and_after(applied: Console):
    edit(applied, "0 9 * * *", "30 10 * * *")

    [step] = applied.json("plan", "shop", exit_code=2)["steps"]
    text = applied("plan", "shop", "--utc", exit_code=2)

    assert (step["deed"], step["id"]) == ("change", "report")
    assert [each["field"] for each in step["changes"]] == ["trigger"]
    assert {each[10:] for each in step["next"]["before"]} == {"T00:00:00.000000Z"}
    assert {each[10:] for each in step["next"]["after"]} == {"T01:30:00.000000Z"}
    assert "00:00:00Z" in text
    assert "01:30:00Z" in text


def test_changed_options_and_limits_are_told_in_words(applied: Console):
    edit(applied, 'queue="mail"', 'queue="post", window="2h", concurrency=3')

    lines = [line.split() for line in applied("plan", "shop", exit_code=2).splitlines()]

    assert ["~", "schedule", "send", "window", "1d", "2h"] in lines
    assert ["queue", "mail", "post"] in lines
    assert ["+", "limit", "job/send", "limit", "-", "3", "at", "once"] in lines


def test_what_the_code_no_longer_declares_is_removed_by_apply_only(applied: Console):
    edit(applied, '@scheduler.cron("0 9 * * *", tz="Asia/Seoul")', "@scheduler.job()")

    assert ["-", "schedule", "report"] in [
        line.split()[:3] for line in applied("plan", "shop", exit_code=2).splitlines()
    ]
    assert "0 created, 0 changed, 1 removed." in applied("apply", "shop")
    assert {each["id"] for each in applied.json("schedules", "list")["schedules"]} == {"send", "foliot.prune"}


def test_another_program_on_the_same_store_is_left_alone(applied: Console):
    (applied.folder / "news.py").write_text(
        f"from foliot.scheduler import Scheduler\nscheduler = Scheduler({applied.url!r})\n"
        "@scheduler.every('1h')\nasync def fetch() -> None: ...\n"
    )

    found = applied.json("apply", "news")
    sys.modules.pop("news")

    assert [each["id"] for each in found["steps"]] == ["fetch"]
    assert applied.json("plan", "shop")["steps"] == []


def test_an_owner_that_was_set_goes_before_the_name_of_the_module(console: Console, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FOLIOT_OWNER", "the shop")

    assert console.json("plan", "shop", exit_code=2)["owner"] == "the shop"


def test_a_schedule_whose_trigger_cannot_be_read_is_planned_without_its_firings(applied: Console):
    applied.prepare(_confuse)

    [step] = applied.json("plan", "shop", exit_code=2)["steps"]

    assert step["next"]["before"] == []


async def _confuse(scheduler: object) -> None:
    from msgspec.structs import replace

    from foliot.model import Schedule
    from foliot.scheduler import Scheduler

    assert isinstance(scheduler, Scheduler)
    [report] = await scheduler.store.records(Schedule, ["report"])
    await scheduler.store.put([replace(report, trigger='{"moon":"full"}', declared='{"moon":"full"}')])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "whose plan? Name your scheduler"),
        (("nowhere",), "there is no module 'nowhere'"),
        (("shop", "--store", "jobs.db"), "'jobs.db' is not a store's URL"),
        (("shop",), "is no SQLite database"),
    ],
)
def test_an_error_exits_with_1_so_that_2_means_changes(console: Console, words: tuple[str, ...], message: str):
    (console.folder / "shop.db").write_text("this is no database, " * 100)

    for command in ("plan", "apply"):
        result = console.typed(command, *words)
        sys.modules.pop("shop", None)
        assert result.exit_code == 1
        assert message in result.stderr
