# pyright: reportOptionalMemberAccess=false, reportOptionalOperand=false, reportArgumentType=false
# pyright: reportOperatorIssue=false, reportAttributeAccessIssue=false, reportIncompatibleMethodOverride=false
# A trigger that has no next instant where the test expects one fails the test, which is as it should be.
"""Days and hours to keep triggers inside or outside of: by hand, by country, and from calendar files."""

import sys

import pytest

from foliot.errors import TriggerError
from foliot.triggers import (
    after,
    between,
    business_days,
    calendar_file,
    calendar_text,
    cron,
    dates,
    during,
    every,
    holidays,
    load_calendar,
    rrule,
    weekdays,
    window,
)


def shown(trigger, start, end, form="%d %H:%M"):
    return [f"{each:{form}}" for each in trigger.between(start, end)]


class TestHours:
    def test_the_beginning_belongs_to_them_and_the_end_does_not(self):
        assert shown(every("1h") & between("08:00", "11:00"), "2026-01-05", "2026-01-06", "%H") == ["08", "09", "10"]

    def test_they_may_go_past_midnight(self):
        assert shown(every("2h") & between("22:00", "03:00"), "2026-01-05", "2026-01-06", "%H") == ["00", "02", "22"]
        assert shown(every("6h") & between("18:00", "24:00"), "2026-01-05", "2026-01-06", "%H") == ["18"]

    def test_they_are_read_in_the_zone_of_the_trigger_or_in_their_own(self):
        seoul = cron("0 * * * *", tz="Asia/Seoul")

        assert shown(seoul & between("08:00", "10:00"), "2026-01-05", "2026-01-06", "%H") == ["08", "09"]
        assert shown(seoul & between("08:00", "10:00", tz="UTC"), "2026-01-05", "2026-01-06", "%H") == ["17", "18"]

    def test_on_the_night_of_a_clock_change_they_follow_the_clock(self):
        hourly = cron("0 * * * *", tz="Europe/Berlin")

        assert shown(hourly & between("01:00", "04:00"), "2026-03-29", "2026-03-30", "%H") == ["01", "03"]
        assert shown(hourly & between("01:00", "04:00"), "2026-10-25", "2026-10-26", "%H") == ["01", "02", "02", "03"]

    @pytest.mark.parametrize(("start", "end"), [("08:00", "08:00"), ("24:00", "03:00"), ("8", "9"), ("08:60", "09:00")])
    def test_hours_that_mean_nothing_are_refused(self, start, end):
        with pytest.raises(TriggerError):
            between(start, end)


class TestDays:
    def test_dates_and_ranges_of_dates(self):
        closed = dates("2026-12-24", "2026-12-26/2026-12-27")

        assert shown(cron("0 9 * * *") - closed, "2026-12-23", "2026-12-30", "%d") == ["23", "25", "28", "29"]
        assert shown(cron("0 9 * * *") & closed, "2026-12-01", "2027-12-30", "%d") == ["24", "26", "27"]

    def test_weekdays_by_name_and_range(self):
        assert shown(cron("0 9 * * *") & weekdays("sat", "sun"), "2026-01-01", "2026-01-12", "%a") == [
            "Sat",
            "Sun",
            "Sat",
            "Sun",
        ]
        assert weekdays() == weekdays("mon-fri")
        with pytest.raises(TriggerError, match="'tus' is not a weekday"):
            weekdays("mon", "tus")

    def test_a_window_covers_its_start_and_not_its_end(self):
        freeze = window("2026-12-24 18:00", "2026-12-25 06:00", tz="Europe/Berlin")

        assert shown(cron("0 */6 * * *", tz="Europe/Berlin") & freeze, "2026-12-01", "2027-01-01") == [
            "24 18:00",
            "25 00:00",
        ]

    def test_a_recurring_window_follows_its_trigger(self):
        maintenance = during(cron("0 2 * * sun"), "4h")

        assert shown(every("2h") & maintenance, "2026-01-01", "2026-01-09") == ["04 02:00", "04 04:00"]

    def test_a_recurring_window_has_instants_of_its_own(self):
        for trigger in (after("10m"), every("1h").limit(2), rrule("FREQ=DAILY")):
            with pytest.raises(TriggerError, match="creation"):
                during(trigger, "1h")

    def test_what_ends_before_it_begins_is_refused(self):
        with pytest.raises(TriggerError):
            dates("2026-12-27/2026-12-26")
        with pytest.raises(TriggerError):
            dates("2026-13-01")
        with pytest.raises(TriggerError):
            dates()
        with pytest.raises(TriggerError):
            window("2026-12-27", "2026-12-26")
        with pytest.raises(TriggerError):
            during(every("5m", after="finish"), "1h")


class TestCountries:
    def test_public_holidays_are_left_out(self):
        working = cron("0 9 * * mon-fri", tz="Asia/Seoul") - holidays("KR")

        found = shown(working, "2026-09-21", "2026-10-08", "%m-%d")

        assert found == ["09-21", "09-22", "09-23", "09-28", "09-29", "09-30", "10-01", "10-02", "10-06", "10-07"]

    def test_a_weekend_that_is_worked_to_make_up_for_a_holiday_is_a_business_day(self):
        working = cron("0 9 * * *", tz="Asia/Shanghai") & business_days("CN")

        found = shown(working, "2026-02-12", "2026-03-03", "%m-%d")

        assert found == ["02-12", "02-13", "02-14", "02-24", "02-25", "02-26", "02-27", "02-28", "03-02"]

    def test_states_and_markets_are_known_too(self):
        assert holidays("DE", "BY") != holidays("DE")
        assert shown(cron("0 9 6 1 *") & holidays("DE", "BY"), "2026-01-01", "2026-02-01", "%d") == ["06"]
        assert shown(cron("0 9 6 1 *") - holidays("DE"), "2026-01-01", "2026-02-01", "%d") == ["06"]
        assert shown(cron("0 9 * * mon-fri") & holidays("NYSE"), "2026-04-01", "2026-05-01", "%d") == ["03"]

    def test_without_a_country_business_days_are_monday_to_friday(self):
        assert business_days() == weekdays()

    def test_unknown_places_are_refused_with_a_suggestion(self):
        with pytest.raises(TriggerError, match="no holidays are known for 'KRR'; did you mean 'KR'"):
            holidays("KRR")
        with pytest.raises(TriggerError, match="'ZZ' in 'DE'"):
            business_days("DE", "ZZ")

    def test_without_the_package_the_remedy_is_said(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "holidays", None)

        with pytest.raises(TriggerError, match=r"pip install 'foliot\[holidays\]'"):
            holidays("FR")


ICS = """BEGIN:VCALENDAR
X-WR-CALNAME:Closing days
X-WR-TIMEZONE:Europe/Paris
BEGIN:VTIMEZONE
TZID:Europe/Paris
BEGIN:STANDARD
DTSTART:19701025T030000
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
SUMMARY:Christmas\\, with a long
  line
DTSTART;VALUE=DATE:20261224
DTEND;VALUE=DATE:20261227
END:VEVENT
BEGIN:VEVENT
DTSTART;VALUE=DATE:20200501
RRULE:FREQ=YEARLY
END:VEVENT
BEGIN:VEVENT
DTSTART;TZID=Europe/Paris:20260105T090000
DTEND;TZID=Europe/Paris:20260105T110000
RRULE:FREQ=WEEKLY;BYDAY=MO;UNTIL=20260201T000000Z
EXDATE;TZID=Europe/Paris:20260112T090000
END:VEVENT
BEGIN:VEVENT
DTSTART:20260108T220000Z
DURATION:PT2H30M
END:VEVENT
BEGIN:VEVENT
DTSTART:20260109T100000
DTEND:20260109T103000
END:VEVENT
BEGIN:VEVENT
DTSTART;VALUE=DATE:20260110
STATUS:CANCELLED
END:VEVENT
BEGIN:VEVENT
DTSTART:20260110T100000Z
END:VEVENT
END:VCALENDAR
"""


class TestFiles:
    def during(self, start, end, form="%d %H:%M"):
        return shown(cron("*/30 * * * *", tz="Europe/Paris") & calendar_text(ICS), start, end, form)

    def test_events_of_whole_days_last_to_the_day_before_their_end(self):
        assert self.during("2026-12-20", "2026-12-31")[::48] == ["24 00:00", "25 00:00", "26 00:00"]

    def test_days_that_come_every_year(self):
        assert len(self.during("2028-04-25", "2028-05-05")) == 48

    def test_recurring_times_end_and_leave_out_what_they_say(self):
        found = self.during("2026-01-04", "2026-03-01")

        mondays = [each for each in found if each[:2] in ("05", "12", "19", "26")]
        assert mondays == [
            f"{day} {time}" for day in ("05", "19", "26") for time in ("09:00", "09:30", "10:00", "10:30")
        ]

    def test_times_in_utc_and_times_in_the_zone_of_the_file(self):
        assert self.during("2026-01-08", "2026-01-09 12:00") == [
            "08 23:00", "08 23:30", "09 00:00", "09 00:30", "09 01:00", "09 10:00",
        ]  # fmt: skip

    def test_cancelled_events_and_those_without_a_length_count_for_nothing(self):
        assert self.during("2026-01-10", "2026-01-11") == []

    def test_it_is_named_and_reads_back(self):
        calendar = calendar_text(ICS)

        assert calendar.name == "Closing days"
        assert load_calendar(calendar.spec()) == calendar

    def test_a_file_is_read_when_it_is_named(self, tmp_path):
        path = tmp_path / "closing.ics"
        path.write_text(ICS.replace("\n", "\r\n"))

        assert calendar_file(path) == calendar_text(ICS)
        with pytest.raises(TriggerError, match="cannot be read"):
            calendar_file(tmp_path / "missing.ics")
        with pytest.raises(TriggerError, match="has no events"):
            calendar_text("nothing here")

    def test_all_day_events_are_days_wherever_the_trigger_is(self):
        seoul = cron("30 0 * * *", tz="Asia/Seoul") & calendar_text(ICS)

        assert shown(seoul, "2026-12-20", "2026-12-31", "%d") == ["24", "25", "26"]
        fixed = cron("30 0 * * *", tz="Asia/Seoul") & calendar_text(ICS, tz="America/New_York")
        assert shown(fixed, "2026-12-20", "2026-12-31", "%d") == ["25", "26", "27"]


WEEKLY = """BEGIN:VEVENT
UID:standup
DTSTART;TZID="{zone}":20260105T090000
DTEND;TZID="{zone}":20260105T100000
RRULE:FREQ=WEEKLY;BYDAY=MO
BEGIN:VALARM
TRIGGER:-PT15M
DURATION:PT5H
END:VALARM
END:VEVENT
BEGIN:VEVENT
UID:standup
RECURRENCE-ID;TZID=Europe/Berlin:20260112T090000
DTSTART;TZID=Europe/Berlin:20260112T140000
DTEND;TZID=Europe/Berlin:20260112T150000
END:VEVENT
BEGIN:VEVENT
UID:standup
RECURRENCE-ID;TZID=Europe/Berlin:20260119T090000
STATUS:CANCELLED
DTSTART;TZID=Europe/Berlin:20260119T090000
DTEND;TZID=Europe/Berlin:20260119T100000
END:VEVENT
BEGIN:VEVENT
UID:reminder
DTSTART;TZID=Europe/Berlin:20260121T090000
BEGIN:VALARM
DURATION:PT5H
END:VALARM
END:VEVENT
"""


class TestInstancesAndZones:
    def during(self, text, **choices):
        found = cron("30 * * * *", tz="Europe/Berlin") & calendar_text(text, **choices)
        return shown(found, "2026-01-05", "2026-01-27")

    def test_an_instance_that_was_moved_or_cancelled_is_not_where_it_was(self):
        assert self.during(WEEKLY.format(zone="Europe/Berlin")) == ["05 09:30", "12 14:30", "26 09:30"]

    def test_whole_days_are_moved_too(self):
        text = """BEGIN:VEVENT
UID:closed
DTSTART;VALUE=DATE:20260105
RRULE:FREQ=WEEKLY
END:VEVENT
BEGIN:VEVENT
UID:closed
RECURRENCE-ID;VALUE=DATE:20260112
DTSTART;VALUE=DATE:20260113
END:VEVENT
"""
        assert {each[:2] for each in self.during(text)} == {"05", "13", "19", "26"}

    def test_a_zone_with_a_name_of_the_files_own_is_the_one_that_was_given(self):
        text = WEEKLY.format(zone="(UTC+01:00) Amsterdam, Berlin")  # as calendars of offices write it

        assert self.during(text, tz="Europe/Berlin") == ["05 09:30", "12 14:30", "26 09:30"]
        with pytest.raises(TriggerError, match=r"\(UTC\+01:00\) Amsterdam, Berlin.*give tz="):
            calendar_text(text)

    def test_a_time_that_is_none_is_refused_with_its_line(self):
        with pytest.raises(TriggerError, match="'DTEND:2026010T'"):
            calendar_text("BEGIN:VEVENT\nDTSTART:20260105T090000\nDTEND:2026010T\nEND:VEVENT")
