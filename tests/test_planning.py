"""What code would change in a store: pure, so that tables are complete tests."""

from typing import Any

import pytest
from msgspec.structs import replace

from foliot.model import Limit, Overlap, Pause, Placement, Schedule, Terms
from foliot.moments import DAY, HOUR, MINUTE
from foliot.planning import Declared, Deed, Difference, Plan, differences, plan
from foliot.policy import created
from foliot.retry import fixed
from foliot.triggers import cron

NOW = 0


def a_schedule(id: str, when: str = "0 9 * * *", **fields: Any) -> Schedule:
    bare = Schedule(id=id, job=id, trigger="", created_at=NOW, owner="shop")
    return replace(created(bare, cron(when), NOW), **fields)


def declared(*records: Schedule | Limit, owner: str = "shop", jobs: set[str] | None = None) -> Declared:
    return Declared(
        owner=owner,
        jobs=frozenset(jobs or {"a"}),
        schedules=[each for each in records if isinstance(each, Schedule)],
        limits=[each for each in records if isinstance(each, Limit)],
    )


def planned(declared: Declared, *standing: Schedule | Limit) -> Plan:
    return plan(
        declared,
        {each.id: each for each in standing if isinstance(each, Schedule)},
        {each.id: each for each in standing if isinstance(each, Limit)},
    )


def deeds(found: Plan) -> dict[str, Deed]:
    return {each.id: each.deed for each in found.steps}


A = a_schedule("a")
LIMIT = Limit(id="job/a", running=2, owner="shop")


@pytest.mark.parametrize(
    ("code", "standing", "deed"),
    [
        (A, None, Deed.CREATE),
        (A, replace(A, version=7, fired=3, last_at=5), None),
        (a_schedule("a", "0 10 * * *"), A, Deed.CHANGE),
        (replace(A, overlap=Overlap.ALLOW), A, Deed.CHANGE),
        (A, replace(A, owner=""), Deed.CHANGE),
        (A, replace(A, owner="news"), Deed.CHANGE),
        (replace(A, owner=""), A, None),
        (A, replace(A, source="api"), Deed.CHANGE),
        (None, A, Deed.REMOVE),
        (None, replace(A, owner="news"), None),
        (None, replace(A, owner=""), None),
        (None, replace(A, source="api"), None),
        (LIMIT, None, Deed.CREATE),
        (LIMIT, LIMIT, None),
        (LIMIT, replace(LIMIT, running=3), Deed.CHANGE),
        (LIMIT, replace(LIMIT, running=3, source="api"), None),
        (LIMIT, replace(LIMIT, paused=Pause(at=1)), None),
        (replace(LIMIT, owner=""), LIMIT, None),
        (None, LIMIT, Deed.REMOVE),
        (None, replace(LIMIT, owner=""), Deed.REMOVE),
        (None, replace(LIMIT, id="key/a", owner=""), Deed.REMOVE),
        (None, replace(LIMIT, id="job/b", owner="news"), None),
        (None, replace(LIMIT, id="queue/a", owner=""), None),
        (None, replace(LIMIT, id="job/gone"), Deed.REMOVE),
        (None, replace(LIMIT, source="api"), None),
        (None, replace(LIMIT, paused=Pause(at=1)), None),
    ],
)
def test_what_is_to_be_done_about_a_record(
    code: Schedule | Limit | None, standing: Schedule | Limit | None, deed: Deed | None
):
    found = planned(declared(*filter(None, [code])), *filter(None, [standing]))

    assert list(deeds(found).values()) == ([] if deed is None else [deed])
    assert bool(found) is (deed is not None)


def test_who_has_no_name_removes_no_schedules():
    assert planned(declared(owner=""), replace(A, owner="")).schedules == []


def test_a_changed_trigger_counts_from_now_and_a_pause_stays():
    late = a_schedule("a", "0 10 * * *")
    paused = replace(A, wakes_at=None, paused=Pause(at=3), fired=9)

    [changed] = planned(declared(late), replace(A, wakes_at=5 * DAY)).schedules
    [still] = planned(declared(late), paused).schedules

    assert changed.after is not None
    assert changed.after.wakes_at == 10 * HOUR
    assert still.after is not None
    assert (still.after.wakes_at, still.after.paused, still.after.fired) == (None, paused.paused, 9)


def test_a_limit_that_changes_keeps_its_pause():
    [step] = planned(declared(LIMIT), replace(LIMIT, running=9, paused=Pause(at=3))).limits

    assert step.after == replace(LIMIT, paused=Pause(at=3))


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"declared": '{"every":"1h"}'}, ("trigger", {"cron": "0 9 * * *"}, {"every": "1h"})),
        ({"args": '{"n":1}'}, ("args", {}, {"n": 1})),
        ({"overlap": Overlap.ALLOW}, ("overlap", "skip", "allow")),
        ({"window": HOUR}, ("window_seconds", 86400.0, 3600.0)),
        ({"placement": Placement(queue="mail")}, ("queue", "default", "mail")),
        ({"placement": Placement(expires=MINUTE)}, ("expires_seconds", None, 60.0)),
        ({"placement": Placement(terms=Terms(timeout=MINUTE))}, ("timeout_seconds", None, 60.0)),
        ({"owner": "news"}, ("owner", "shop", "news")),
    ],
)
def test_a_change_is_told_field_by_field(change: dict[str, Any], difference: tuple[Any, ...]):
    changed = replace(A, **change)

    assert Difference(*difference) in differences(A, changed)
    name, before, after = difference
    assert Difference(name, after, before) in differences(changed, A)


def test_what_happens_to_a_schedule_is_no_change_of_its_declaration():
    lived = replace(A, fired=3, last_at=5, last_run="r", skips=(9,), version=7, paused=Pause(at=1), wakes_at=None)

    assert differences(A, lived) == []


def test_retries_that_differ_are_told():
    patient = replace(A, placement=Placement(terms=Terms(retries=fixed(3))))

    assert "retries" in {each.field for each in differences(A, patient)}
