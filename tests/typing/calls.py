"""Never run: read by the type checker, which must find exactly the errors that are expected here."""

from typing import Any, assert_type

from foliot.context import Context
from foliot.handle import Handle
from foliot.jobs import job
from foliot.scheduler import Scheduler
from foliot.triggers import weekdays
from foliot.when import cron, every

scheduler = Scheduler()


@scheduler.job(timeout="5m", executor="processes")
def resize(path: str, width: int = 800) -> str:
    return f"{path}@{width}"


@scheduler.cron("0 9 * * mon-fri", tz="Asia/Seoul", retries=3)
async def report() -> int:
    return 1


@scheduler.every("30s")
async def asks(context: Context, n: int = 0) -> None: ...


@job(retries=2)
def free(x: int) -> int:
    return x


@cron("*/5 * * * *", overlap="queue")
def nightly() -> None: ...


@(cron("0 9 * * *", retries=2) - weekdays() | every("1h"))
def combined(x: int = 1) -> int:
    return x


@scheduler.every("1h", shards=8)
async def synced(context: Context, region: str = "") -> int:
    return context.shard.index


@job(shards=["eu", "us"])
def counted(region: str = "all") -> str:
    return region


@every("1h", shards=3).starting("2026-01-01") | cron("0 9 * * *")
async def swept() -> float:
    return 1.0


@job()
def anything(n: Any, m: int = 1) -> int:
    return m


@job()
async def later(n: object) -> int:
    return 1


@job()
def flexible(*args: Any, **kwargs: Any) -> int:
    return len(args) + len(kwargs)


async def a_parameter_that_takes_anything_asks_for_no_context() -> None:
    assert_type(anything(3), int)
    assert_type(await anything.enqueue("three", m=2), Handle[int])
    assert_type(await later.enqueue(n=None), Handle[int])
    assert_type(await flexible.enqueue(1, two=2), Handle[int])
    assert_type(await asks.enqueue(3), Handle[None])

    await anything.enqueue()  # pyright: ignore[reportCallIssue]
    await anything.enqueue(1, m="x")  # pyright: ignore[reportArgumentType]


async def calls_are_checked() -> None:
    assert_type(await resize.enqueue("a.png", width=640), Handle[str])
    assert_type(await report.enqueue(), Handle[int])
    assert_type(await (await resize.enqueue("a")).result(), str)
    assert_type(await (await report.options(after="10m").enqueue()).result(timeout=30), int)
    assert_type(resize("a.png"), str)
    assert_type(await report(), int)
    assert_type(free(3), int)
    assert_type(nightly(), None)
    assert_type(combined(), int)
    await asks.enqueue(n=3)
    await scheduler.enqueue_many([resize.call("a"), report.call()])

    await resize.enqueue(1)  # pyright: ignore[reportArgumentType]
    await resize.enqueue("a", height=3)  # pyright: ignore[reportCallIssue]
    await asks.enqueue(n="x")  # pyright: ignore[reportArgumentType]
    await resize.options(afer="1s").enqueue("a")  # pyright: ignore[reportCallIssue]
    scheduler.job(retris=3)  # pyright: ignore[reportCallIssue]
    _: Any = free("x")  # pyright: ignore[reportArgumentType]


async def what_is_run_in_shards_gives_a_list() -> None:
    assert_type(await synced.enqueue("eu"), Handle[list[int]])
    assert_type(await counted.enqueue(), Handle[list[str]])
    assert_type(await swept.enqueue(), Handle[list[float]])
    assert_type(await synced("eu"), int)
    assert_type(counted("eu"), str)
    assert_type(await resize.options(shards=3).enqueue("a.png"), Handle[list[str]])
    assert_type(await report.options(shards=3, priority=1).enqueue(), Handle[list[int]])
    assert_type(await synced.options(shards=3).enqueue(), Handle[list[int]])
    assert_type(await counted.options(priority=1).enqueue(), Handle[list[str]])

    await synced.enqueue(1)  # pyright: ignore[reportArgumentType]
    scheduler.job(shards=None)  # pyright: ignore[reportArgumentType]
