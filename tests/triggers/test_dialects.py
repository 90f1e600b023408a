"""Cron lines from elsewhere."""

import pytest

from foliot.errors import TriggerError
from foliot.triggers import cron, from_crontab_file, from_quartz, from_seconds_last


@pytest.mark.parametrize(
    ("quartz", "line"),
    [
        ("0 0 9 ? * 2-6", "0 0 9 ? * mon-fri"),
        ("0 0 9 ? * 1", "0 0 9 ? * sun"),
        ("0 0 9 ? * 1,7", "0 0 9 ? * sun,sat"),
        ("0 0 9 ? * MON-FRI", "0 0 9 ? * mon-fri"),
        ("0 0 9 ? * 6#3", "0 0 9 ? * fri#3"),
        ("0 0 9 ? * 6L", "0 0 9 ? * friL"),
        ("0 0 9 ? * L", "0 0 9 ? * sat"),
        ("0 0 9 ? * 2/2", "0 0 9 ? * mon/2"),
        ("0 0/5 14 * * ?", "0 0/5 14 * * ?"),
        ("0 15 10 L-2 * ?", "0 15 10 L-2 * ?"),
        ("0 15 10 15W * ?", "0 15 10 15W * ?"),
        ("0 0 12 1 1 ? 2026-2030", "0 0 12 1 1 ? 2026-2030"),
    ],
)
def test_a_quartz_line_counts_its_weekdays_from_sunday_as_one(quartz, line):
    assert from_quartz(quartz) == cron(line)


def test_a_quartz_step_over_weekdays_ends_with_saturday():
    assert [f"{each:%a}" for each in from_quartz("0 0 9 ? * 2/2").between("2026-03-01", "2026-03-08")] == [
        "Mon",
        "Wed",
        "Fri",
    ]


def test_a_quartz_line_has_six_or_seven_fields_and_a_question_mark():
    with pytest.raises(TriggerError, match="6 or 7 fields"):
        from_quartz("0 9 * * *")
    with pytest.raises(TriggerError, match=r"wants '\?'"):
        from_quartz("0 0 9 13 * 6")


@pytest.mark.parametrize(
    ("quartz", "at"), [("0 0 9 ? * 0", 10), ("0 0 9 ? * 2,8", 12), ("0 0 9 ? * 10 2026", 10), ("8 0 9 ? * 8", 10)]
)
def test_a_number_that_is_no_weekday_of_quartz_is_refused(quartz, at):
    with pytest.raises(TriggerError, match=r"not a weekday of Quartz: 1 \(Sunday\) to 7") as caught:
        from_quartz(quartz)

    assert caught.value.at == at


def test_seconds_may_stand_last():
    assert from_seconds_last("*/5 9 * * * 30", tz="Asia/Seoul") == cron("30 */5 9 * * *", tz="Asia/Seoul")
    assert from_seconds_last("*/5 9 * * *") == cron("*/5 9 * * *")
    with pytest.raises(TriggerError, match="6 fields"):
        from_seconds_last("* * * * * * *")


CRONTAB = """# m h dom mon dow command
SHELL=/bin/sh
MAILTO = "root"

*/5 * * * *   collect --all
CRON_TZ=Asia/Seoul
0 9 * * mon-fri /usr/bin/report 'with  spaces' % stdin
@daily backup
CRON_TZ=
30 2 * * *\tcleanup
"""


def test_a_crontab_is_read_line_by_line_with_its_zones(tmp_path):
    path = tmp_path / "crontab"
    path.write_text(CRONTAB)

    found = from_crontab_file(path, tz="Europe/Berlin")

    assert [(each.trigger, each.command, each.line) for each in found] == [
        (cron("*/5 * * * *", tz="Europe/Berlin"), "collect --all", 5),
        (cron("0 9 * * mon-fri", tz="Asia/Seoul"), "/usr/bin/report 'with  spaces' % stdin", 7),
        (cron("@daily", tz="Asia/Seoul"), "backup", 8),
        (cron("30 2 * * *"), "cleanup", 10),
    ]


def test_a_system_crontab_names_users(tmp_path):
    path = tmp_path / "crontab"
    path.write_text("17 * * * * root cd / && run-parts\n@weekly www-data tidy up\n")

    found = from_crontab_file(path, system=True)

    assert [(each.user, each.command) for each in found] == [("root", "cd / && run-parts"), ("www-data", "tidy up")]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("* * * * *\n", "line 1 of the crontab has no command"),
        ("\n0 25 * * * x\n", r"line 2 of the crontab: 25 is not an hour"),
        ("@reboot x\n", "line 1 of the crontab: '@reboot' is not a time; run it when the program starts"),
    ],
)
def test_a_crontab_that_cannot_be_read_is_refused_with_the_line(tmp_path, text, says):
    path = tmp_path / "crontab"
    path.write_text(text)

    with pytest.raises(TriggerError, match=says):
        from_crontab_file(path)


def test_a_missing_crontab_is_said(tmp_path):
    with pytest.raises(TriggerError, match="cannot be read"):
        from_crontab_file(tmp_path / "nowhere")
