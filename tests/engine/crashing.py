"""One worker process of the crash test: fires, works, and is killed at any moment."""

import os
import sys

from foliot import Context, Scheduler, fixed

place, name = sys.argv[1], sys.argv[2]
scheduler = Scheduler(f"sqlite:///{place}/runs.db", lease="2s", name=name, concurrency=20)


def note(what: str, context: Context) -> None:
    """Write down what really happened, in a file of our own that survives the kill."""
    line = f"{what} {context.run_id} {context.token} {os.getpid()}\n".encode()
    descriptor = os.open(f"{place}/trace", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, line)
    os.close(descriptor)


@scheduler.cron("* * * * * *", overlap="allow", catchup="all", most=1000)
async def each_second(context: Context) -> None:
    note("ran", context)


@scheduler.every("1s", overlap="skip", catchup="latest")
def also_each_second(context: Context) -> None:
    note("ran", context)


@scheduler.job(retries=fixed(5, "100ms"), max_crashes=1000)
async def flaky(context: Context, n: int) -> int:
    note("ran", context)
    if context.attempt < 2:
        raise ConnectionError("first time")
    return n


if __name__ == "__main__":
    scheduler.run()
