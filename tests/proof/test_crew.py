"""The crew: whoever ends gets a successor, and whoever ends without a reason is told of."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from tests.waiting import eventually

from foliot.testing.faults.crew import Member
from foliot.testing.faults.node import Command

NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"


@asynccontextmanager
async def looked_after(member: Member) -> AsyncIterator[Member]:
    member.start()
    looking = asyncio.ensure_future(member.look_after())
    try:
        yield member
    finally:
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking
        member.remove()


def a_place(tmp_path: Path) -> Path:
    (tmp_path / "history").mkdir()
    return tmp_path


async def test_a_process_that_ends_by_itself_is_told_of_and_replaced(tmp_path: Path):
    async with looked_after(Member(a_place(tmp_path), 0, "sqlite:///x.db", "2s", "no_such_program")) as member:
        await eventually(lambda: member.starts > 1, seconds=30)

    assert member.ended_badly[0] == "n0-1 ended by itself with 1; see n0.log"


async def test_a_process_whose_store_is_away_at_its_start_is_started_again(tmp_path: Path):
    pytest.importorskip("asyncpg")

    async with looked_after(Member(a_place(tmp_path), 0, NOWHERE, "2s", "foliot.testing.faults.node")) as member:
        await eventually(lambda: member.starts > 1, seconds=30)

    assert member.ended_badly == []
    assert "cannot be reached" in (tmp_path / "n0.log").read_text("utf-8")


async def test_a_process_that_does_not_end_well_when_told_to_is_told_of(tmp_path: Path):
    member = Member(a_place(tmp_path), 0, NOWHERE, "2s", "no_such_program")
    member.start()
    process = member._process
    assert process is not None
    await eventually(lambda: process.poll() is not None, seconds=30)

    await member.end()
    member.tell(Command(clock=1))

    assert len(member.ended_badly) == 1
    assert "when told to stop" in member.ended_badly[0]


async def test_a_process_that_is_told_to_stop_before_it_has_begun_ends_well(tmp_path: Path):
    member = Member(a_place(tmp_path), 0, "sqlite:///x.db", "2s", "foliot.testing.faults.node")
    member.start()

    await member.end()

    assert member.ended_badly == []


def test_whoever_was_never_started_hears_and_ends_nothing(tmp_path: Path):
    member = Member(tmp_path, 0, NOWHERE, "2s", "foliot.testing.faults.node")

    member.tell(Command(clock=1))
    member.remove()

    assert (member.starts, member.ended_badly) == (0, [])
