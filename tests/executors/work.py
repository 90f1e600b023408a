"""What the children of the tests run."""

import asyncio
import logging
import os
import signal
import subprocess
import sys
import threading
import time
import types

from foliot.context import Context


class Silent(Exception):
    def __init__(self) -> None:
        super().__init__()
        self.keep = lambda: None

    def __str__(self) -> str:
        raise RuntimeError("no words")


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


def refuse_in_silence() -> None:
    raise Silent


def refuse_in_its_own_words() -> None:
    """Raise an exception of a module that exists in this process only."""
    module = sys.modules["words"] = types.ModuleType("words")
    exec("class Word(Exception): ...", vars(module))  # noqa: S102 - its home is made by hand
    raise module.Word("only here")


def kill_oddly() -> None:
    os.kill(os.getpid(), 40)


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


def find_nothing() -> None:
    open("/there/is/no/such/file").close()


def sys_exit() -> None:
    sys.exit("enough")


def hurry(context: Context) -> int:
    for done in range(20_000):
        context.progress(done + 1, 20_000)
    return 0


def talk_on(context: Context) -> None:
    """Leave a thread behind that goes on talking when the function has returned."""

    def chatter() -> None:
        for n in range(200):
            context.log(f"chatter {n}")
            time.sleep(0.001)

    threading.Thread(target=chatter).start()


def start_a_program(path: str) -> None:
    program = subprocess.Popen(["sleep", "3600"])
    _tell(path, program.pid)
    program.wait()


def fork_and_die(path: str) -> None:
    """Die while a process that was forked from this one holds everything open that was open."""
    if (pid := os.fork()) == 0:
        time.sleep(3600)
    _tell(path, pid)
    os._exit(7)


def survive_signals() -> str:
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(os.getpid(), number)
    program = subprocess.Popen(["sleep", "3600"])
    program.terminate()
    return f"the program ended with {program.wait()}"


def _tell(path: str, pid: int) -> None:
    with open(path + ".new", "w") as told:
        told.write(str(pid))
    os.rename(path + ".new", path)


def never_stop(path: str) -> None:
    with open(path, "w") as started:
        started.write(str(os.getpid()))
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(3600)
