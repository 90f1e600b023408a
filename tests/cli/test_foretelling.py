"""What triggers mean, bring and get wrong: explain, preview and lint."""

from typing import Any

import pytest
from tests.cli.console import Console, nothing

from foliot.model import Schedule
from foliot.scheduler import Scheduler
from foliot.triggers import between, cron, dumps


def test_a_trigger_is_explained_in_two_languages(console: Console):
    assert console("explain", "0 9 * * mon-fri", "--tz", "Asia/Seoul").strip() == (
        "At 09:00, Monday to Friday (Asia/Seoul time)."
    )
    assert "90" in console("explain", "every 90s", "--lang", "zh")


@pytest.mark.parametrize(
    ("text", "trigger"),
    [
        ("@daily", {"cron": "@daily", "tz": "Asia/Seoul"}),
        ("every 5m", {"every": "5m"}),
        ("2026-12-01 10:00", {"at": "2026-12-01T10:00:00+09:00", "tz": "Asia/Seoul"}),
        ('{"every":"1h"}', {"every": "1h"}),
    ],
)
def test_a_trigger_is_written_as_people_write_it(
    console: Console, monkeypatch: pytest.MonkeyPatch, text: str, trigger: dict[str, Any]
):
    monkeypatch.setenv("FOLIOT_TZ", "Asia/Seoul")

    assert console.json("explain", text)["trigger"] == trigger


@pytest.mark.parametrize("text", ["0 25 * * *", "every now and then", '{"moon":"full"}', "@dayly"])
def test_a_trigger_that_is_none_is_a_usage_error(console: Console, text: str):
    assert console.typed("explain", text).exit_code == 2


def test_a_mistake_in_a_cron_line_is_pointed_at(console: Console):
    assert console.typed("explain", "0 25 * * *").stderr.endswith("  0 25 * * *\n    ^\n")


def test_an_unknown_zone_is_a_usage_error(console: Console):
    assert console.typed("explain", "@daily", "--tz", "Mars/Phobos").exit_code == 2


def test_the_next_firings_are_shown_with_what_is_special_about_them(console: Console):
    words = ("preview", "30 2 * * *", "--tz", "Europe/Berlin", "--from", "2026-03-28 12:00", "--count", "2")

    rows, text = console.json(*words)["rows"], console(*words)

    assert [each["at"] for each in rows] == ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]
    assert rows[0]["marks"][0]["what"] == "gap"
    assert "02:30 does not exist that night" in text


def test_a_preview_begins_with_the_time_it_is_given(console: Console):
    rows = console.json("preview", "0 9 * * *", "--tz", "Asia/Seoul", "--from", "2026-12-01 09:00", "--count", "1")[
        "rows"
    ]

    assert [each["at"] for each in rows] == ["2026-12-01T00:00:00Z"]


def test_a_preview_has_an_end(console: Console):
    words = ("preview", "0 9 * * *", "--from", "2026-12-01", "--to", "2026-12-02 12:00")

    assert len(console.json(*words)["rows"]) == 2
    assert "does not fire any more" in console("preview", "2020-01-01 00:00", "--from", "2026-12-01")


def test_a_preview_plays_overlap_and_an_outage(console: Console):
    rows = console.json(
        "preview", "*/5 * * * *", "--from", "2026-12-01", "--count", "5", "--takes", "7m",
        "--down", "2026-12-01 00:00", "2026-12-01 00:12", "--catchup", "latest", "--overlap", "skip",
    )["rows"]  # fmt: skip

    assert [each["fires"] for each in rows] == [False, False, True, False, True]
    assert [mark["what"] for each in rows for mark in each["marks"]] == ["missed", "missed", "missed", "overlap"]


def test_what_is_left_out_is_counted(console: Console):
    trigger = dumps(cron("0 * * * *") & between("08:00", "18:00"))

    assert "no, " in console("preview", trigger, "--from", "2026-12-01", "--count", "12")


def test_a_month_is_a_calendar(console: Console):
    words = ("preview", "0 9 * * mon", "--month", "2026-12")

    assert console.json(*words)["days"] == {f"2026-12-{day:02}": 1 for day in (7, 14, 21, 28)}
    assert "14 x1" in console(*words)
    assert console.typed("preview", "@daily", "--month", "soon").exit_code == 2


def test_a_schedule_of_the_store_is_previewed_with_its_own_habits(console: Console):
    async def act(shop: dict[str, Any]) -> None:
        added = await shop["scheduler"].schedules.trigger("report")
        await shop["scheduler"].runs.ended(added.id, timeout="5s")

    console.work(act)

    document = console.json("preview", "--schedule", "report", "--count", "3")

    assert document["text"] == "At 09:00 every day (Asia/Seoul time)."
    assert len(document["rows"]) == 3


@pytest.mark.parametrize(
    "words", [(), ("@daily", "--schedule", "report"), ("@daily", "--takes", "long"), ("--count", "0")]
)
def test_a_preview_of_nothing_certain_is_a_usage_error(console: Console, words: tuple[str, ...]):
    assert console.typed("preview", *words).exit_code == 2


def test_lines_are_linted_and_more_than_notes_exits_with_1(console: Console):
    document = console.json("lint", "0 0 30 2 *", "*/7 * * * *", "every 5m", exit_code=1)
    text = console("lint", "0 0 30 2 *", exit_code=1)

    assert document["schedules"] == 3
    assert {("0 0 30 2 *", "error"), ("*/7 * * * *", "warning")} <= {
        (each["schedule"], each["level"]) for each in document["findings"]
    }
    assert "^" not in text
    assert text.splitlines()[-1] == "1 schedule looked at, 1 finding."


def test_what_is_well_exits_with_0(console: Console):
    assert console("lint", "every 5m").startswith("Nothing to complain about.")


def test_the_code_is_linted_without_a_store(console: Console):
    document = console.json("--app", "shop:scheduler", "lint")

    assert document["schedules"] == 3
    assert not (console.folder / "shop.db").exists()


def test_the_store_is_linted_with_what_cannot_be_read(console: Console):
    console.work(nothing)

    async def confuse(scheduler: Scheduler) -> None:
        await scheduler.store.put([Schedule(id="odd", job="send", trigger='{"moon":"full"}', created_at=1)])

    console.prepare(confuse)

    document = console.json("lint", exit_code=1)

    assert document["schedules"] == 4
    assert [each["schedule"] for each in document["findings"] if each["level"] == "error"] == ["odd"]


def test_a_histogram_shows_the_busiest_minute_of_each_hour(console: Console):
    words = ("lint", "every 5m", "every 7m", "--histogram")

    per_minute, text = console.json(*words)["histogram"]["per_minute"], console(*words)

    assert len(per_minute) == 24 * 60
    assert max(per_minute) == 2
    assert f"2    {'#' * 40}" in text
