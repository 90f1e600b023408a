# pyright: reportOptionalMemberAccess=false, reportOptionalOperand=false, reportArgumentType=false
# pyright: reportOperatorIssue=false
# A trigger that has no next instant where the test expects one fails the test, which is as it should be.
"""Whatever is written, the answer is a trigger or our own error with a place; never a hang, never a surprise."""

from contextlib import suppress
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from foliot.errors import TriggerError
from foliot.triggers import after, cron, every, holidays, loads, randomly, rrule, weekdays

letters = st.text(alphabet="0123456789*/,-?LWH#()@ \tmonfrijadec.=TZ:", max_size=40)
fields = st.lists(st.text(alphabet="0123456789*/,-?LWH#()monfri", min_size=1, max_size=8), min_size=5, max_size=7)


pytestmark = pytest.mark.untraced


def read(text):
    try:
        trigger = cron(text)
    except TriggerError as error:
        return error
    return trigger.next_at(0)


@settings(max_examples=500)
@given(st.one_of(st.text(max_size=60), letters, fields.map(" ".join)))
@example("TZ=Nowhere * * * * *")
@example("TZ=/etc/passwd * * * * *")
@example("@reboot")
@example("* * * * * *" + " *" * 40)
@example("99999999999999999999 * * * *")
@example("*/99999999999999999999 * * * *")
@example("0 0 0 1 1 ? 1970")
@example("\x00 * * * *")
@example("٣ * * * *")
@example("H(59-0) * * * *")
@example("0 0 31 4,6,9,11 *")
@example("0 0 1W 2 7#5")
def test_a_line_is_read_or_refused_with_the_place_of_the_mistake(text):
    found = read(text)

    if isinstance(found, TriggerError):
        assert 0 <= found.at <= len(found.text)
    else:
        assert found is None or found > 0


@given(st.text(max_size=30), letters)
def test_a_recurrence_rule_is_read_or_refused(text, more):
    for each in (text, f"FREQ={more}", f"FREQ=DAILY;{more}"):
        with suppress(TriggerError):
            rrule(each, start="2026-01-01")


@given(
    st.recursive(
        st.none() | st.text(max_size=5) | st.integers(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["cron", "every", "of", "at", "any", "only", "limit", "x"]), inner)
        ),
    )
)
def test_json_that_is_not_a_trigger_is_refused(value):
    with pytest.raises(TriggerError):
        loads(msgspec.json.encode(value).decode() + "x")
    with suppress(TriggerError):
        loads(msgspec.json.encode(value).decode())


@pytest.mark.parametrize(
    ("text", "at", "says"),
    [
        ("*/5", 3, "did you mean `*/5 * * * *`?"),
        ("5/ * * * *", 0, "did you mean `*/5`?"),
        ("*5 * * * *", 0, "did you mean `*/5`?"),
        ("0 24 * * *", 2, "24 is not an hour: 0 to 23; did you mean `0`?"),
        ("0 9 * * mno", 8, "did you mean `mon`?"),
        ("0 9 * * mon,tus", 12, "did you mean `mon,tue`?"),
        ("0 0 20-3 * *", 4, "did you mean `3-20`?"),
        ("*/90 * * * *", 2, "every('90m')"),
        ("0 0 30 2 *", 4, "Feb has no day 30"),
        ("0 0 31 2,4 *", 4, "Feb, Apr have no day 31"),
        ("0 0 L-29 2 *", 4, "Feb has no day 30"),
        ("0 0 31W 2 *", 4, "Feb has no day 31"),
        ("0 0 L-30W 2 *", 4, "Feb has no day 31"),
        ("0 0 0 29 2 * 2100", 6, "Feb has no day 29 in these years"),
        ("0 0 */15 * 1#2", 4, "the day and the weekday never meet"),
        ("0 0 0 1 1 * H", 12, "H chooses for every field but the year"),
        ("0 0 * * L5", 8, "did you mean `5L`?"),
        ("0 9 ? ? *", 6, "did you mean `*`?"),
        ("@dayly", 0, "did you mean `@daily`?"),
        ("@every 5m", 0, "every('5m')"),
        ("0 0 9 * * mon 1969", 14, "1969 is not a year"),
        ("x * * * * * *", 0, "fields are second minute hour day month weekday year"),
        ("60 * * * *", 0, "fields are minute hour day month weekday"),
    ],
)
def test_the_mistake_is_pointed_at_and_the_remedy_said(text, at, says):
    with pytest.raises(TriggerError) as caught:
        cron(text)

    assert caught.value.at == at
    assert says in str(caught.value)
    assert str(caught.value).endswith(f"\n  {text}\n  {' ' * at}^")


@pytest.mark.parametrize("line", [5, b"* * * * *", ["*"], 1.5])
def test_what_is_not_text_is_not_a_line(line):
    with pytest.raises(TriggerError, match="is not a cron line"):
        cron(line)


def test_a_week_that_never_meets_the_month_is_refused():
    with pytest.raises(TriggerError, match="the week and the other fields never meet"):
        cron("0 0 * 6 *", week=53)


@pytest.mark.parametrize("counts", [{"months": 1.5}, {"days": "2"}, {"years": True}, {"weeks": None}])
def test_what_is_not_a_whole_number_of_days_or_months_is_refused(counts):
    with pytest.raises(TriggerError, match="is not a whole number"):
        every(**counts)


@pytest.mark.parametrize(
    "make",
    [
        lambda: every("99999d"),
        lambda: every("99999d", after="finish"),
        lambda: after("99999d"),
        lambda: randomly("1s", "99999d"),
    ],
)
def test_lengths_beyond_a_hundred_years_are_refused(make):
    with pytest.raises(TriggerError, match="a hundred years"):
        make()


@pytest.mark.parametrize("text", ['{"any":[]}', '{"all":[]}'])
def test_a_list_of_no_triggers_is_refused(text):
    with pytest.raises(TriggerError, match="no trigger in this list"):
        loads(text)


EDGES = [
    datetime.min.replace(tzinfo=UTC),
    datetime(1, 1, 2, tzinfo=UTC),
    datetime(9998, 12, 31, tzinfo=UTC),
    datetime.max.replace(tzinfo=UTC),
]


@pytest.mark.parametrize("begin", EDGES)
@pytest.mark.parametrize(
    "trigger",
    [
        cron("0 9 1 * *", tz="America/New_York"),
        cron("0 9 1 * *", tz="Pacific/Kiritimati"),
        every("1h"),
        every(days=3, tz="America/New_York"),
        every(months=1, tz="Asia/Seoul"),
        every("1h") & weekdays(),
        cron("0 9 * * *") - holidays("KR"),
        cron("0 9 1 * *").shift("next", weekdays()),
    ],
)
def test_the_ends_of_time_are_an_answer_too(trigger, begin):
    found = trigger.next(begin)

    assert found is None or found > begin
    assert (found is None) is (begin == EDGES[-1]) or begin.year == 9998


@pytest.mark.parametrize("at", [-(10**30), -(10**18), 10**18, 10**30])
def test_instants_that_no_calendar_shows_are_no_surprise(at):
    for trigger in (cron("0 9 1 * *", tz="America/New_York"), every(months=1), every(days=2), every("1h")):
        found = trigger.next_at(at)

        assert found is None or found > at
