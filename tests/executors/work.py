"""What the children of the tests run."""

import asyncio
import logging
import os
import signal
import time

from foliot.context import Context


class Unpicklable(Exception):
    def __init__(self, message: str, handle: object) -> None:
        self.handle = lambda: handle
        super().__init__(message)


def double(x: int) -> int:
    return 2 * x


async def double_later(x: int) -> int:
    await asyncio.sleep(0)
    return 2 * x


def pid() -> int:
    return os.getpid()


def refuse() -> None:
    raise KeyError("no such thing")


def refuse_oddly() -> None:
    raise Unpicklable("odd", object())


def kill_itself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def leave() -> None:
    os._exit(7)


def unpicklable_result() -> object:
    return lambda: 1


def talk(context: Context) -> str:
    context.log("hello", sku="A1")
    logging.getLogger("shop").warning("stock is low")
    context.progress(1, 2, "half")
    return Context.current().run_id


def wait_until_stopped(context: Context, path: str) -> str:
    with open(path, "w") as started:
        started.write(str(os.getpid()))
    while not context.cancelled:
        time.sleep(0.01)
    with open(path, "a") as noticed:
        noticed.write(f" {context.stop_reason}")
    return "stopped by itself"


async def sleep_until_cancelled(path: str) -> None:
    with open(path, "w") as started:
        started.write("started")
    try:
        await asyncio.sleep(3600)
    finally:
        with open(path, "a") as cleaned:
            cleaned.write(" cleaned")


def never_stop(path: str) -> None:
    with open(path, "w") as started:
        started.write(str(os.getpid()))
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(3600)
