"""From the parts of a fan-out to one answer: pure.

The runs named here are bookkeeping: no function belongs to them. A worker that claims one concludes it at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from foliot.model import Ending, Run, State, Value

STEP = "foliot.step"
"""The job of a run that is the result of a step."""
SLEEP = "foliot.sleep"
"""The job of a run that is the instant at which a sleep ends."""
MAP = "foliot.map"
"""The job of a run that says what a fan-out is made of."""
JOIN = "foliot.join"
"""The job of a run that waits for a page of parts and keeps their results."""
SIGNAL = "foliot.signal"
"""The job of a run that waits to be told something."""

BOOKS = frozenset({STEP, SLEEP, MAP, JOIN, SIGNAL})
"""The jobs of runs that only keep books: no function belongs to them."""

FAR = 7_258_118_400_000_000
"""When what has no end of its own is due: 2200-01-01."""


class Joined(Value):
    """What became of a page of parts: the results in order, null where there is none, and whose those are."""

    results: tuple[msgspec.Raw, ...] = ()
    failed: tuple[int, ...] = ()


def concluded(run: Run, upstream: Mapping[str, Run]) -> Ending | None:
    """How a run of our own ends that has been claimed; None for the runs that have a function."""
    match run.job:
        case "foliot.join":
            parts = [upstream.get(each) for each in run.after]
            return Ending(run=run.id, token=run.token, state=State.SUCCEEDED, result=joined(parts))
        case "foliot.signal":
            return Ending(run=run.id, token=run.token, state=State.SUCCEEDED, result=run.args)
        case _:
            return None


def joined(parts: Sequence[Run | None]) -> str:
    """The results of parts that are over, as a join keeps them. A part that is not there any more has none."""
    texts = ["null" if (text := _result(each)) is None else text for each in parts]
    failed = [str(n) for n, each in enumerate(parts) if _result(each) is None]
    return f'{{"results":[{",".join(texts)}],"failed":[{",".join(failed)}]}}'


def _result(part: Run | None) -> str | None:
    if part is None or part.state is not State.SUCCEEDED:
        return None
    return part.result or "null"


def told(text: str) -> Joined:
    """Read what a join keeps."""
    return _decode(text)


_decode = msgspec.json.Decoder(Joined).decode


class Tolerance(Value):
    """How many parts of a fan-out may end without a result: any number, or at most this share of all."""

    share: float | None = 0.0

    def bears(self, failed: int, total: int) -> bool:
        """Whether it may go on all the same."""
        return self.share is None or failed <= self.share * total


def tolerance(failed: str) -> Tolerance:
    """Read ``"fail"``, ``"skip"`` or ``"5%"``. Raises ValueError."""
    match failed:
        case "fail":
            return Tolerance(share=0.0)
        case "skip":
            return Tolerance(share=None)
        case _:
            return Tolerance(share=_percent(failed))


def _percent(text: str) -> float:
    number = text.removesuffix("%")
    if not text.endswith("%") or not number.replace(".", "", 1).isdecimal() or float(number) > 100:
        raise ValueError(f"failed={text!r}: write 'fail', 'skip', or the share of parts that may fail, like '5%'")
    return float(number) / 100
