"""The firings to come, with what is special about each."""

import msgspec

from foliot.model import Catchup, Overlap
from foliot.moments import MINUTE, instant
from foliot.triggers import business_days, cron, every, holidays, weekdays
from foliot.triggers.preview import Habits, month, preview


def told(trigger, start, **more):
    """Each row as ``time, whether it fires, what is remarkable``."""
    rows = preview(trigger, instant(start, trigger.zone), **more)
    return [(row.local[5:16], row.fires, row.remarks) for row in rows]


def remarkable(trigger, start, **more):
    return [row for row in told(trigger, start, **more) if row[2]]


def test_plain_firings_are_shown_in_local_time_and_in_utc():
    [row] = preview(cron("0 9 * * *", tz="Asia/Seoul"), instant("2026-03-01 00:00Z"), count=1)

    assert row.local == "2026-03-02 09:00:00+09:00 KST"
    assert row.document() == {
        "at": "2026-03-02T00:00:00Z",
        "local": "2026-03-02 09:00:00+09:00 KST",
        "due": "2026-03-02T00:00:00Z",
        "fires": True,
        "count": 1,
        "marks": [],
    }
    assert msgspec.json.encode(row.document())


def test_a_missing_time_is_marked_and_a_skipped_one_is_shown():
    daily = cron("30 2 * * *", tz="Europe/Berlin")

    assert remarkable(daily, "2026-03-28", count=3) == [
        ("03-29 03:00", True, "gap: 02:30 does not exist that night; this is right after it would have been")
    ]
    skipping = cron("30 2 * * *", tz="Europe/Berlin", gap="skip")
    assert remarkable(skipping, "2026-03-28", count=3) == [
        ("03-29 03:00", False, "gap: does not exist that night, and is skipped")
    ]


def test_repeated_times_are_marked_as_first_and_second():
    assert remarkable(cron("0 * * * *", tz="Europe/Berlin"), "2026-10-25", count=4) == [
        ("10-25 02:00", True, "fold: the first of two times 02:00 that night"),
        ("10-25 02:00", True, "fold: the second 02:00 of that night"),
    ]


def test_what_a_calendar_leaves_out_stands_between_the_firings():
    working = cron("0 9 * * *", tz="Asia/Seoul") - holidays("KR")

    assert told(working, "2026-09-22", count=3) == [
        ("09-22 09:00", True, ""),
        ("09-23 09:00", True, ""),
        ("09-24 09:00", False, "excluded: on public holidays in South Korea"),
        ("09-27 09:00", True, ""),
    ]
    assert [row.count for row in preview(working, instant("2026-09-22 00:00Z"), count=3) if not row.fires] == [3]


def test_what_another_trigger_takes_away_is_shown_too():
    rows = told(cron("0 9 * * *") - cron("0 9 * * sun"), "2026-03-06", count=2)

    assert rows == [
        ("03-06 09:00", True, ""),
        ("03-07 09:00", True, ""),
    ]
    assert told(cron("0 9 * * *") - cron("0 9 * * sun"), "2026-03-07 12:00", count=1) == [
        ("03-08 09:00", False, "excluded: taken out by another trigger: At 09:00 on Sundays (UTC)."),
        ("03-09 09:00", True, ""),
    ]


def test_a_firing_of_one_part_is_not_left_out_by_another():
    both = (cron("0 9 * * *") & weekdays()) | cron("0 9 * * *")

    assert remarkable(both, "2026-03-06", count=4) == []


def test_moved_and_late_firings_say_so():
    payday = cron("0 9 25 * *", tz="Asia/Seoul").shift("next", business_days("KR"))
    late = cron("0 9 * * *").spread("5m")

    assert remarkable(payday, "2026-01-22", count=2) == [
        ("01-26 09:00", True, "shifted: moved from a day that is no business day in South Korea")
    ]
    [row] = preview(late, 0, count=1, schedule="report")
    assert row.due - row.at == late.bound("report").delay(row.at) > 0
    assert row.remarks.startswith("late: by ")


def test_an_end_ends_it():
    assert len(told(every("1h"), "2026-01-01", end=instant("2026-01-01 03:00Z"))) == 3
    assert told(every("1h").until("2026-01-01 02:00"), "2026-01-01", count=9)[-1][0] == "01-01 02:00"


class TestOverlap:
    def told(self, overlap, usual=25):
        return remarkable(every("10m"), "2026-01-01", count=4, habits=Habits(usual=usual * MINUTE, overlap=overlap))

    def test_skip_leaves_out_what_comes_while_a_run_is_going(self):
        skipped = "overlap: skipped, for the run before it is still going"

        assert self.told(Overlap.SKIP) == [("01-01 00:20", False, skipped), ("01-01 00:30", False, skipped)]

    def test_queue_lets_them_wait(self):
        assert self.told(Overlap.QUEUE) == [
            ("01-01 00:20", True, "overlap: waits until 2026-01-01T00:35:00Z for the run before it"),
            ("01-01 00:30", True, "overlap: waits until 2026-01-01T01:00:00Z for the run before it"),
            ("01-01 00:40", True, "overlap: waits until 2026-01-01T01:25:00Z for the run before it"),
        ]

    def test_queue_one_lets_one_wait(self):
        assert [(time, fires) for time, fires, _ in self.told(Overlap.QUEUE_ONE)] == [
            ("01-01 00:20", True),
            ("01-01 00:30", False),
            ("01-01 00:40", True),
        ]

    def test_replace_cancels_the_one_before(self):
        assert {remark for _, _, remark in self.told(Overlap.REPLACE)} == {"overlap: cancels the run before it"}

    def test_allow_and_runs_that_are_short_enough_are_not_remarkable(self):
        assert self.told(Overlap.ALLOW) == []
        assert self.told(Overlap.SKIP, usual=10) == []

    def test_delay_counts_from_the_end_of_each_run(self):
        habits = Habits(usual=25 * MINUTE, overlap=Overlap.DELAY)

        assert [row[0] for row in told(every("10m"), "2026-01-01", count=3, habits=habits)] == [
            "01-01 00:10",
            "01-01 00:40",
            "01-01 01:10",
        ]
        pause = Habits(usual=25 * MINUTE)
        assert [row[0] for row in told(every("10m", after="finish"), "2026-01-01", count=2, habits=pause)] == [
            "01-01 00:10",
            "01-01 00:45",
        ]


class TestOutage:
    def told(self, catchup, **more):
        outage = (instant("2026-01-01 00:15Z"), instant("2026-01-01 00:45Z"))
        habits = Habits(outage=outage, catchup=catchup, **more)
        return [(row[0][6:], row[1]) for row in told(every("10m"), "2026-01-01", count=5, habits=habits)]

    def test_the_latest_the_earliest_all_or_none_are_made_up_for(self):
        def missed(*runs):
            times = ("00:10", "00:20", "00:30", "00:40", "00:50")
            return [(time, time in ("00:10", "00:50", *runs)) for time in times]

        assert self.told(Catchup.LATEST) == missed("00:40")
        assert self.told(Catchup.EARLIEST) == missed("00:20")
        assert self.told(Catchup.ALL) == missed("00:20", "00:30", "00:40")
        assert self.told(Catchup.ALL, most=2) == missed("00:20", "00:30")
        assert self.told(Catchup.NONE) == missed()

    def test_it_says_when_a_missed_firing_runs(self):
        habits = Habits(outage=(instant("2026-01-01 00:15Z"), instant("2026-01-01 00:45Z")))

        assert remarkable(every("10m"), "2026-01-01", count=4, habits=habits) == [
            ("01-01 00:20", False, "missed: recorded as skipped: catch-up is 'latest'"),
            ("01-01 00:30", False, "missed: recorded as skipped: catch-up is 'latest'"),
            ("01-01 00:40", True, "missed: runs late, at 2026-01-01T00:45:00Z: catch-up is 'latest'"),
        ]


def test_a_month_is_a_calendar_with_the_number_of_firings():
    assert month(cron("0 9,10 * * mon-fri", tz="Asia/Seoul"), 2026, 2) == "\n".join(
        [
            "2026-02 (Asia/Seoul)",
            "Mo      Tu      We      Th      Fr      Sa      Su",
            "                                                 1",
            " 2 x2     3 x2     4 x2     5 x2     6 x2     7       8",
            " 9 x2    10 x2    11 x2    12 x2    13 x2    14      15",
            "16 x2    17 x2    18 x2    19 x2    20 x2    21      22",
            "23 x2    24 x2    25 x2    26 x2    27 x2    28",
        ]
    )
