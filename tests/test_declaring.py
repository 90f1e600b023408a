"""Bringing a store in line with code: at start, and by ``apply``."""

from typing import Any

import pytest
from msgspec.structs import replace

from foliot import at, every
from foliot.errors import JobError
from foliot.model import Agenda, Firing, Limit, Schedule
from foliot.scheduler import Scheduler
from foliot.stores.memory import MemoryStore


def a_program(store: MemoryStore, owner: str, *, old: bool = True, rate: str = "2/s") -> Scheduler:
    """A program that schedules ``keep``, and ``old`` if it still does."""
    program = Scheduler(store, owner=owner, work=False, fire=False)

    @program.every("1h", name=f"{owner}-keep", limit=rate)
    async def keep() -> None: ...

    if old:

        @program.every("1h", name=f"{owner}-old", concurrency=1)
        async def old_job() -> None: ...

    return program


async def ids(store: MemoryStore, kind: type[Any]) -> list[str]:
    return [each.id for each in await store.records(kind)]


async def test_apply_removes_what_this_owner_declared_earlier_and_nothing_of_others():
    store = MemoryStore()
    for owner in ("shop", "news"):
        await a_program(store, owner).declaration().apply()

    done = await a_program(store, "shop", old=False).declaration().apply()

    assert [each.id for each in done.steps] == ["shop-old", "job/shop-old"]
    assert await ids(store, Schedule) == ["foliot.prune", "news-keep", "news-old", "shop-keep"]
    assert await ids(store, Limit) == ["job/news-keep", "job/news-old", "job/shop-keep", "overlap"]


async def test_a_start_creates_and_changes_and_leaves_orphans_standing():
    store = MemoryStore()
    async with a_program(store, "shop"):
        pass

    async with a_program(store, "shop", old=False, rate="5/s") as changed:
        pass

    assert await ids(store, Schedule) == ["foliot.prune", "shop-keep", "shop-old"]
    assert (await changed.lanes.get("shop-keep")).starts == 5
    assert (await store.records(Schedule, ["shop-keep"]))[0].owner == "shop"


async def test_two_schedules_of_one_name_are_refused_at_the_start():
    program = Scheduler(work=False, fire=False)
    program.every("1h", name="a", schedule_id="same")(print)
    program.every("2h", name="b", schedule_id="same")(print)

    with pytest.raises(JobError, match="two schedules are called 'same': one of job 'a' and one of job 'b'; give one"):
        async with program:
            pass


async def test_several_triggers_of_a_job_share_a_name_that_was_asked_for():
    program = Scheduler(work=False, fire=False)
    program.job(
        every("1h"), every("2h"), at("2030-01-01", tz="UTC", schedule_id="new-year"), name="a", schedule_id="b"
    )(print)

    assert [each.id for each in program.declaration().declared().schedules if each.job == "a"] == [
        "b",
        "b-2",
        "new-year",
    ]


async def test_what_was_applied_need_not_be_applied_again():
    store = MemoryStore()
    program = a_program(store, "shop")

    first, second = await program.declaration().apply(), await program.declaration().plan()

    assert len(first.steps) == 6
    assert not second


async def test_our_own_jobs_are_nobodys():
    store = MemoryStore()
    await a_program(store, "shop").declaration().apply()

    assert (await store.records(Schedule, ["foliot.prune"]))[0].owner == ""
    assert (await store.records(Limit, ["overlap"]))[0].owner == ""


class Edited(MemoryStore):
    """A store in which somebody is always a step ahead of the first firing."""

    edits = 1

    async def fire(self, firings: Any, now: int, limit: int) -> Agenda:
        if self.edits and firings:
            self.edits -= 1
            await self.put([replace(firings[0].schedule, fired=41)])
        return await super().fire(firings, now, limit)


async def test_a_schedule_that_fires_meanwhile_is_declared_as_it_stands_then():
    store = Edited()
    await a_program(store, "shop").declaration().apply()
    [standing] = await store.records(Schedule, ["shop-keep"])
    await store.fire([Firing(schedule=replace(standing, owner=""), expect=standing.version)], 0, 0)
    store.edits = 1

    await a_program(store, "shop").declaration().apply()

    [kept] = await store.records(Schedule, ["shop-keep"])
    assert (kept.owner, kept.fired) == ("shop", 41)


async def test_of_two_first_starts_the_later_leaves_what_the_earlier_created_and_fired():
    store = Edited()  # somebody creates the first one, which then fires, while we are about to

    await a_program(store, "shop").declaration().renew()

    assert sorted(each.fired for each in await store.records(Schedule)) == [0, 0, 41]
