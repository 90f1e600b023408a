"""Triggers written down: what stands in a store today has to be read by every later version."""

import pytest

from foliot.errors import TriggerError
from foliot.moments import instant
from foliot.triggers import (
    after,
    at,
    between,
    business_days,
    cron,
    dates,
    dumps,
    during,
    every,
    holidays,
    load,
    load_calendar,
    loads,
    randomly,
    rrule,
    weekdays,
    window,
)
from foliot.triggers.algebra import Both, Without

# Never change a line here: somebody's store holds it. New forms get new lines.
WRITTEN = [
    ('{"cron":"0 9 * * mon-fri"}', cron("0 9 * * mon-fri")),
    (
        '{"cron":"30 2 * * *","tz":"Europe/Berlin","gap":"skip","fold":"both"}',
        cron("30 2 * * *", tz="Europe/Berlin", gap="skip", fold="both"),
    ),
    ('{"cron":"0 0 13 * fri","days":"and","week":"*/2"}', cron("0 0 13 * fri", days="and", week="*/2")),
    ('{"cron":"H H * * *","seed":"nightly"}', cron("H H * * *").bound("nightly")),
    ('{"every":"30s"}', every("30s")),
    ('{"every":"1h30m","anchor":"2026-01-01T03:00:00Z"}', every("90m", anchor="2026-01-01 03:00")),
    ('{"every":"5m","after":"finish"}', every("5m", after="finish")),
    ('{"every":{"months":1},"at":"09:00","anchor":"2026-01-31"}', every(months=1, at="09:00", anchor="2026-01-31")),
    (
        '{"every":{"days":14},"at":["09:00","17:30:15"],"tz":"Asia/Seoul","gap":"skip","fold":"second"}',
        every(weeks=2, at=["09:00", "17:30:15"], tz="Asia/Seoul", gap="skip", fold="second"),
    ),
    ('{"randomly":["1m","5m"]}', randomly("1m", "5m")),
    (
        '{"randomly":["1m","5m"],"anchor":"2026-01-01T00:00:00Z","seed":"a"}',
        randomly("1m", "5m", anchor="2026-01-01").bound("a"),
    ),
    ('{"at":"2026-12-01T10:00:00+09:00","tz":"Asia/Seoul"}', at("2026-12-01 10:00", tz="Asia/Seoul")),
    (
        '{"at":["2026-12-01T10:00:00Z","2026-12-02T10:00:00.500000Z"]}',
        at("2026-12-01 10:00Z", "2026-12-02 10:00:00.5Z"),
    ),
    ('{"after":"10m"}', after("10m")),
    (
        '{"rrule":"FREQ=DAILY","start":"2026-01-01T09:00:00","tz":"Europe/Rome"}',
        rrule("FREQ=DAILY", start="2026-01-01 09:00", tz="Europe/Rome"),
    ),
    (
        '{"of":{"every":"1h"},"start":"2026-01-01T00:00:00Z","until":"2026-02-01T00:00:00Z","limit":5}',
        every("1h").starting("2026-01-01").until("2026-02-01").limit(5),
    ),
    (
        '{"of":{"cron":"@daily"},"jitter":"30s","spread":"5m","seed":"a"}',
        cron("@daily").jitter("30s").spread("5m").bound("a"),
    ),
    ('{"any":[{"every":"1h"},{"cron":"5 * * * *"}]}', every("1h") | cron("5 * * * *")),
    ('{"all":[{"every":"1h"},{"cron":"0 9 * * *"}]}', Both((every("1h"), cron("0 9 * * *")))),
    ('{"of":{"every":"1h"},"unless":{"cron":"0 9 * * *"}}', Without(every("1h"), cron("0 9 * * *"))),
    (
        '{"of":{"every":"1h"},"only":{"between":["08:00","18:00"],"tz":"Asia/Seoul"}}',
        every("1h") & between("08:00", "18:00", tz="Asia/Seoul"),
    ),
    ('{"of":{"every":"1h"},"except":{"holidays":"DE","subdivision":"BY"}}', every("1h") - holidays("DE", "BY")),
    (
        '{"of":{"cron":"0 9 25 * *"},"shift":"next","to":{"business_days":"KR"}}',
        cron("0 9 25 * *").shift("next", business_days("KR")),
    ),
]
CALENDARS = [
    ({"weekdays": ["mon", "tue"]}, weekdays("mon-tue")),
    (
        {"dates": ["2026-12-24", "2026-12-27/2026-12-31"], "tz": "UTC"},
        dates("2026-12-24", "2026-12-27/2026-12-31", tz="UTC"),
    ),
    ({"from": "2026-12-24T00:00:00Z", "to": "2026-12-27T00:00:00Z"}, window("2026-12-24", "2026-12-27")),
    ({"during": {"cron": "0 2 * * *"}, "for": "4h"}, during(cron("0 2 * * *"), "4h")),
    ({"any": [{"weekdays": ["sat"]}, {"between": ["22:00", "06:00"]}]}, weekdays("sat") | between("22:00", "06:00")),
    (
        {"all": [{"weekdays": ["sat"]}, {"not": {"between": ["22:00", "06:00"]}}]},
        weekdays("sat") - between("22:00", "06:00"),
    ),
    ({"name": "closing days", "calendar": {"weekdays": ["sun"]}}, weekdays("sun").named("closing days")),
]


@pytest.mark.parametrize(("text", "trigger"), WRITTEN)
def test_each_kind_is_written_as_it_always_was_and_read_back(text, trigger):
    assert dumps(trigger) == text
    assert loads(text) == trigger
    assert hash(loads(text)) == hash(trigger)


@pytest.mark.parametrize(("spec", "calendar"), CALENDARS)
def test_each_calendar_is_written_as_it_always_was_and_read_back(spec, calendar):
    assert calendar.spec() == spec
    assert load_calendar(spec) == calendar


def test_equal_texts_share_one_trigger():
    text = '{"cron":"17 3 * * *"}'

    assert loads(text) is loads(text)


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"cron": 5},
        {"cron": "0 9 * * *", "moon": "full"},
        {"every": "fortnight"},
        {"every": {"moons": 1}},
        {"any": [{"nothing": 1}]},
        {"of": {"every": "1h"}, "only": {"nothing": 1}},
        {"of": {"every": "1h"}, "only": {"weekdays": 5}},
        {"at": "tomorrow"},
        {"at": []},
    ],
)
def test_what_a_newer_version_may_have_written_is_refused_and_shown(spec):
    with pytest.raises(TriggerError) as caught:
        load(spec)

    assert str(caught.value)


def test_a_settled_trigger_is_written_with_what_was_settled():
    now = instant("2026-11-21 10:00Z")

    assert dumps(every("7m").settled(now)) == '{"every":"7m","anchor":"2026-11-21T10:00:00Z"}'
    assert dumps(after("7m").settled(now)) == '{"at":"2026-11-21T10:07:00Z"}'
