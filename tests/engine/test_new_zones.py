"""A time zone database that was updated while a schedule stood: noticed at the next start, and said."""

import logging
from pathlib import Path

import pytest
from msgspec.structs import replace

from foliot.clock import ManualClock
from foliot.housekeeping import PRUNE, TZDATA
from foliot.model import Overlap, Schedule
from foliot.moments import DAY, HOUR, MINUTE, instant
from foliot.policy import rezoned
from foliot.scheduler import Scheduler
from foliot.triggers import cron, every

NOW = instant("2026-11-20 12:00Z")
NINE = instant("2026-11-21 09:00", cron("* * * * *", tz="Europe/Berlin").zone)


def standing(**fields) -> Schedule:
    return Schedule(id="report", job="report", trigger="", created_at=NOW, **{"wakes_at": NINE, **fields})


def test_a_next_time_that_new_rules_have_moved_is_the_triggers_own_again():
    trigger = cron("0 9 * * *", tz="Europe/Berlin")

    assert rezoned(standing(wakes_at=NINE + HOUR), trigger, NOW).wakes_at == NINE
    assert rezoned(standing(wakes_at=NINE - HOUR), trigger, NOW).wakes_at == NINE
    assert rezoned(standing(), trigger, NOW) == standing()


@pytest.mark.parametrize(
    "fields",
    [{"wakes_at": None}, {"wakes_at": NOW - MINUTE}, {"wakes_at": NOW + MINUTE, "overlap": Overlap.DELAY}],
)
def test_what_is_paused_due_or_counted_from_a_finish_stays_as_it_is(fields):
    schedule = standing(**fields)

    assert rezoned(schedule, cron("0 9 * * *", tz="Europe/Berlin"), NOW) == schedule


def scheduler(path: Path) -> Scheduler:
    """Two schedules from code, on a clock that stands."""
    found = Scheduler(f"sqlite:///{path / 'jobs.db'}", clock=ManualClock(NOW), work=False)

    @found.job(cron("0 9 * * *", tz="Europe/Berlin"), every("1h"), name="report")
    def report() -> None: ...

    return found


async def pretend_an_older_database(path: Path, *others: Schedule) -> None:
    """Leave the store as a process with other rules would have."""
    async with scheduler(path).connected() as older:
        [ours] = await older.store.records(Schedule, [PRUNE])
        [report] = await older.store.records(Schedule, ["report"])
        placement = replace(ours.placement, meta={TZDATA: "1999a"})
        await older.store.put([replace(ours, placement=placement), replace(report, wakes_at=NINE + HOUR), *others])


async def test_an_updated_database_is_noticed_at_the_next_start_and_said(tmp_path, caplog):
    async with scheduler(tmp_path):
        pass
    await pretend_an_older_database(tmp_path)

    with caplog.at_level(logging.WARNING, "foliot"):
        async with scheduler(tmp_path) as again:
            assert (await again.schedules.get("report")).wakes_at == NINE
            assert (await again.schedules.get("report-2")).wakes_at == NOW + HOUR

    assert "it was 1999a; schedules whose next time has moved: report" in caplog.text
    caplog.clear()
    async with scheduler(tmp_path):
        assert caplog.text == ""


async def test_a_schedule_that_cannot_be_read_does_not_stop_the_others_from_being_moved(tmp_path):
    async with scheduler(tmp_path):
        pass
    odd = Schedule(id="a", job="report", trigger='{"new":1}', created_at=NOW, wakes_at=NOW + DAY)
    await pretend_an_older_database(tmp_path, odd)

    async with scheduler(tmp_path) as again:
        assert (await again.schedules.get("report")).wakes_at == NINE
