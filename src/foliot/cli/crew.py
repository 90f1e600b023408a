"""Several worker processes under one parent, which replaces those that die and passes signals on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from queue import Empty, SimpleQueue
from typing import NamedTuple

from foliot.cli.reloading import say

SETTLED = 5.0
"""A death after so many seconds is the first of its row."""
LONGEST_REST = 30.0
STOPS = (signal.SIGINT, signal.SIGTERM)


class Member(NamedTuple):
    """One worker process and since when it lives, by a clock that nobody sets."""

    process: subprocess.Popen[bytes]
    since: float


class Ended(NamedTuple):
    """A worker process has ended."""

    place: int
    code: int


class Crew:
    """Keeps so many processes of a command alive until a signal; each is told its place, ``--sibling 1`` and on.

    They are in process groups of their own, so that Ctrl-C reaches the parent only, which tells them. They hear of the
    end of the parent by their standard input.
    """

    def __init__(self, command: Sequence[str], size: int) -> None:
        self._command, self._size = command, size
        self._members: dict[int, Member] = {}
        self._deaths: dict[int, int] = {}
        self._again: dict[int, float] = {}
        self._news: SimpleQueue[Ended | None] = SimpleQueue()
        self._stopping = False
        self._code = 0

    def run(self) -> int:
        """Supervise until a signal. Gives 0, or the exit code of a worker that did not stop well."""
        for each in STOPS:
            signal.signal(each, self._signalled)  # for good: when this is over, so is the process
        for place in range(1, self._size + 1):
            self._start(place)
        say(f"{self._size} workers: processes {', '.join(str(each.process.pid) for each in self._members.values())}")
        while self._members or self._again:
            self._look()
        return self._code

    def _look(self) -> None:
        """Wait for news, or until a worker is to be started again."""
        try:
            news = self._news.get(timeout=_until(self._again.values()))
        except Empty:
            self._start(min(self._again, key=self._again.__getitem__))
            return
        if news is None:
            self._pass_on()
        else:
            self._mourn(news.place, news.code)

    def _start(self, place: int) -> None:
        self._again.pop(place, None)
        process = subprocess.Popen(  # noqa: S603 - ourselves
            [*self._command, "--sibling", str(place)],
            stdin=subprocess.PIPE,
            process_group=0 if os.name == "posix" else None,
        )
        self._members[place] = Member(process, time.monotonic())
        threading.Thread(target=lambda: self._news.put(Ended(place, process.wait())), daemon=True).start()

    # Ends

    def _mourn(self, place: int, code: int) -> None:
        """A worker has ended: by our wish, or it is replaced."""
        lived = self._bury(self._members.pop(place))
        if self._stopping:
            self._code = self._code or ended_by_wish(code)
        else:
            self._replace(place, code, lived)

    @staticmethod
    def _bury(member: Member) -> float:
        if member.process.stdin is not None:
            member.process.stdin.close()
        return time.monotonic() - member.since

    def _replace(self, place: int, code: int, lived: float) -> None:
        deaths = self._deaths[place] = 0 if code == 0 else 1 if lived >= SETTLED else self._deaths.get(place, 0) + 1
        self._again[place] = time.monotonic() + rest(deaths)
        say(f"worker {place} {described(code)}; starting another in {rest(deaths):g} s")

    # Signals

    def _signalled(self, _number: int, _frame: object) -> None:
        self._stopping = True
        self._news.put(None)

    def _pass_on(self) -> None:
        """Tell every worker: the first time to drain, the second time to stop now."""
        self._again.clear()
        for each in self._members.values():
            each.process.send_signal(signal.SIGTERM)


def _until(instants: Iterable[float]) -> float | None:
    """How many seconds until the earliest of these; None if there is none."""
    earliest = min(instants, default=None)
    return None if earliest is None else max(0.0, earliest - time.monotonic())


def rest(deaths: int) -> float:
    """How many seconds to wait before a worker is started again that has died so often in a row."""
    return min(LONGEST_REST, 2.0 ** (deaths - 1)) if deaths else 0.0


def described(code: int) -> str:
    """How a process ended, in words."""
    if code == 0:
        return "has stopped"
    return f"ended with code {code}" if code > 0 else f"was killed by {signal.Signals(-code).name}"


def ended_by_wish(code: int) -> int:
    """The exit code of a worker that was told to stop, as the crew's: dying of that wish is no failure."""
    return 0 if code == -signal.SIGTERM else code if code >= 0 else 128 - code


def stop_with_parent() -> None:
    """Stop this process as by SIGTERM when the one that holds its standard input is gone."""

    def watch() -> None:
        while os.read(0, 1024):
            pass
        _interrupt_main_thread()

    threading.Thread(target=watch, name="foliot parent", daemon=True).start()


def _interrupt_main_thread() -> None:
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
    else:
        signal.raise_signal(signal.SIGTERM)


def itself(arguments: Sequence[str], *without: str) -> list[str]:
    """The command that starts this program again with the same arguments, except these."""
    return [sys.executable, "-m", "foliot", *(each for each in arguments if each not in without)]
