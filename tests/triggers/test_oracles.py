# pyright: reportOptionalMemberAccess=false, reportOptionalOperand=false, reportArgumentType=false
# pyright: reportOperatorIssue=false
# A trigger that has no next instant where the test expects one fails the test, which is as it should be.
"""The same lines given to two other libraries; where they differ is tabled in docs/time.md and tested here."""

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from croniter import croniter
from cronsim import CronSim, CronSimError

from foliot.errors import TriggerError
from foliot.triggers import cron

pytestmark = pytest.mark.untraced

ZONES = (  # without those whose clocks jump over midnight, where cronsim gives a time that no clock shows
    "UTC",
    "America/New_York",
    "Europe/Berlin",
    "Asia/Seoul",
    "Africa/Casablanca",
    "America/St_Johns",
    "Europe/London",
    "Europe/Dublin",
    "Pacific/Auckland",
    "Pacific/Honolulu",
    "Pacific/Kiritimati",
    "Australia/Sydney",
    "Asia/Jerusalem",
    "Asia/Kolkata",
    "Antarctica/Troll",
)
LINES = 4_000
TIMES = 3


def number(dice, low, high):
    return str(dice.randint(low, high))


def field(dice, low, high):
    match dice.choice(["star", "star", "one", "step", "range", "stepped", "list"]):
        case "star":
            return "*"
        case "one":
            return number(dice, low, high)
        case "step":
            return f"*/{dice.randint(1, (high - low) // 2)}"
        case "list":
            return ",".join(number(dice, low, high) for _ in range(dice.randint(2, 4)))
        case form:
            first = dice.randint(low, high - 1)
            step = f"/{dice.randint(1, 5)}" if form == "stepped" else ""
            return f"{first}-{dice.randint(first + 1, high)}{step}"


def line(dice, days, weekdays):
    """A line in which one of the two day fields, at least, is mostly open."""
    day = field(dice, 1, 31) if dice.random() < 0.8 else dice.choice(days)
    weekday = field(dice, 0, 7) if dice.random() < 0.7 else dice.choice(weekdays)
    if dice.random() < 0.7:
        day, weekday = dice.choice([(day, "*"), ("*", weekday)])
    month = field(dice, 1, 12) if dice.random() < 0.3 else "*"
    return f"{field(dice, 0, 59)} {field(dice, 0, 23)} {day} {month} {weekday}"


def start(dice):
    """Some time in four years, half of them close before a change of the clocks somewhere."""
    if dice.random() < 0.5:
        return datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=dice.randrange(4 * 366 * 86_400))
    nights = [(2026, 3, 8), (2026, 11, 1), (2026, 3, 29), (2026, 10, 25), (2026, 2, 15), (2026, 3, 22)]
    return datetime(*dice.choice(nights), tzinfo=UTC) - timedelta(seconds=dice.randrange(86_400))


def ours(text, zone, begin, **choices):
    trigger = cron(text, tz=zone, **choices)
    found, at = [], begin
    for _ in range(TIMES):
        at = trigger.next(at)
        found.append(at.astimezone(UTC))
    return found


def test_cronsim_gives_the_same_times():
    dice = random.Random(2026)
    compared = 0
    for _ in range(LINES):
        text, zone, begin = (
            line(dice, ["L", "LW"], ["mon-fri", "sun", "5L", "1#2", "3#5"]),
            dice.choice(ZONES),
            start(dice),
        )
        # Cron itself skips a missing hour for lines whose minutes are a wildcard; we make up for it, once.
        gap = "skip" if text.startswith("*") else "after"
        try:
            expected = ours(text, zone, begin, gap=gap)
        except TriggerError:
            continue  # a day that never comes, for which they look in vain
        theirs = CronSim(text, begin.astimezone(ZoneInfo(zone)))
        assert [next(theirs).astimezone(UTC) for _ in range(TIMES)] == expected, (text, zone, begin)
        compared += 1
    assert compared > LINES * 0.95


def test_croniter_gives_the_same_times_away_from_clock_changes():
    dice = random.Random(2027)
    compared = 0
    for _ in range(LINES):
        text, zone, begin = line(dice, ["L"], ["mon-fri", "sun"]), dice.choice(["UTC", "Asia/Seoul"]), start(dice)
        try:
            expected = ours(text, zone, begin)
        except TriggerError:
            continue
        theirs = croniter(text, begin.astimezone(ZoneInfo(zone)), ret_type=datetime, implement_cron_bug=True)
        assert [theirs.get_next().astimezone(UTC) for _ in range(TIMES)] == expected, (text, zone, begin)
        compared += 1
    assert compared > LINES * 0.95


def shown(times):
    return [f"{each:%m-%d %H:%M%z}" for each in times]


def by_cronsim(text, zone, begin, count):
    theirs = CronSim(text, datetime.fromisoformat(begin).replace(tzinfo=ZoneInfo(zone)))
    return shown(next(theirs) for _ in range(count))


def by_croniter(text, zone, begin, count):
    theirs = croniter(text, datetime.fromisoformat(begin).replace(tzinfo=ZoneInfo(zone)), ret_type=datetime)
    return shown(theirs.get_next() for _ in range(count))


def by_us(text, zone, begin, count):
    trigger, at, found = cron(text, tz=zone), datetime.fromisoformat(begin).replace(tzinfo=ZoneInfo(zone)), []
    for _ in range(count):
        at = trigger.next(at)
        found.append(at)
    return shown(found)


@pytest.mark.parametrize(
    ("other", "text", "zone", "begin", "theirs", "expected"),
    [
        # A missing fixed hour leaves one firing, also when its minutes are a wildcard.
        (by_cronsim, "*/15 2 * * *", "Europe/Berlin", "2026-03-28 12:00", "03-30 02:00+0200", "03-29 03:00+0200"),
        # A clock change of half an hour does not shift the minutes of the hours after it.
        (by_cronsim, "* 7 * * *", "Australia/Lord_Howe", "2026-04-04 12:00", "04-05 07:30+1030", "04-05 07:00+1030"),
        # The clocks of Chatham jump from 02:45 to 03:45, and show a quarter of an hour of three o'clock.
        (by_cronsim, "* 3-7 * * *", "Pacific/Chatham", "2026-09-26 12:00", "09-27 04:00+1345", "09-27 03:45+1345"),
        # In Beirut the clocks jump over midnight, and no clock shows it.
        (by_cronsim, "0 */8 * * 7", "Asia/Beirut", "2026-03-28 17:00", "03-29 00:00+0200", "03-29 08:00+0300"),
        (by_croniter, "0 */8 * * 7", "Asia/Beirut", "2026-03-28 17:00", "03-29 01:00+0300", "03-29 08:00+0300"),
        # A range of one number is that number, whatever its step.
        (by_cronsim, "0 12 * * 3-3/2", "UTC", "2026-07-02 00:00", "07-03 12:00+0000", "07-08 12:00+0000"),
        # Six fields keep to the same rules as five.
        (by_cronsim, "0 30 2 * * *", "Europe/Berlin", "2026-03-28 12:00", "03-30 02:30+0200", "03-29 03:00+0200"),
        # A step that begins with a star is a star when cron joins the two day fields.
        (by_croniter, "0 0 */3 * 2", "UTC", "2026-07-01 12:00", "07-04 00:00+0000", "07-07 00:00+0000"),
        # A day that never was has no nine o'clock to make up for.
        (by_cronsim, "0 9 * * *", "Pacific/Apia", "2011-12-29 12:00", "12-31 00:00+1400", "12-31 09:00+1400"),
        (by_croniter, "0 9 * * *", "Pacific/Apia", "2011-12-29 12:00", "12-31 00:00+1400", "12-31 09:00+1400"),
        # A counted weekday is joined to the day like any other.
        (by_croniter, "0 0 13 * fri#2", "UTC", "2026-10-10 00:00", "11-13 00:00+0000", "10-13 00:00+0000"),
        # A range of one number again.
        (by_croniter, "0 9-9 * * *", "UTC", "2026-07-01 12:00", "07-01 13:00+0000", "07-02 09:00+0000"),
    ],
)
def test_where_others_differ_once(other, text, zone, begin, theirs, expected):
    assert other(text, zone, begin, 1) == [theirs]
    assert by_us(text, zone, begin, 1) == [expected]


def test_croniter_runs_a_fixed_time_twice_where_we_run_it_once():
    twice = by_croniter("30 2 * * *", "Europe/Berlin", "2026-10-25 00:00", 2)

    assert twice == ["10-25 02:30+0200", "10-25 02:30+0100"]
    assert by_us("30 2 * * *", "Europe/Berlin", "2026-10-25 00:00", 2) == ["10-25 02:30+0200", "10-26 02:30+0100"]


def test_croniter_makes_up_for_a_wildcard_hour_where_we_do_not():
    extra = by_croniter("0 */2 * * *", "Europe/Berlin", "2026-03-29 00:30", 2)

    assert extra == ["03-29 03:00+0200", "03-29 04:00+0200"]
    assert by_us("0 */2 * * *", "Europe/Berlin", "2026-03-29 00:30", 2) == ["03-29 04:00+0200", "03-29 06:00+0200"]


@pytest.mark.parametrize("text", ["0 0 */15 * 1#2", "*/90 * * * *"])
def test_cronsim_takes_what_we_refuse_to_promise(text):
    CronSim(text, datetime(2026, 1, 1, tzinfo=UTC))

    with pytest.raises(TriggerError):
        cron(text)


def test_wrapping_ranges_are_ours_alone():
    with pytest.raises(CronSimError):
        CronSim("0 22-2 * * *", datetime(2026, 1, 1, tzinfo=UTC))

    assert len(cron("0 22-2 * * *").between("2026-01-01", "2026-01-02")) == 5
