"""Signals to runs: a signal finds the run that waits for it, or is kept until somebody waits."""

from __future__ import annotations

from msgspec.structs import replace

from foliot.codec import dumps
from foliot.errors import RunOver, UnknownRun
from foliot.flow.story import early, signal_id, signalled
from foliot.handle import epitaph
from foliot.model import Change, Fate, Line, Query, Run, State
from foliot.stores.base import Store


async def send(store: Store, run: str, name: str, value: object, id: str, now: int) -> bool:
    """Bring a signal to a run; False if that signal has been brought before, or was waited for in vain.

    ``id`` is for the run that carries it. Raises UnknownRun, RunOver, and ArgumentsError if the value is not JSON.
    """
    text = dumps(value)
    kept = signal_id(run, name)
    found = {each.id: each for each in (await store.find(Query(ids=(run, kept)))).runs}
    receiver = _receiver(found.get(run), run, name)
    if kept not in found:
        [added] = await store.add([early(receiver, name, text, now)], now)
        if added.fate is Fate.ADDED:
            return True
    elif found[kept].token or found[kept].state.over or found[kept].args != "{}":
        return False  # it was heard, is about to be, or nobody listens any more
    first = await _first_word(store, kept, Line(at=now, level="info", text=text, fields={"signal": id}), now)
    signal = signalled(receiver, name, first.text, id, now)
    heard = await _handed_over(store, signal, now) or await _carries(store, kept, signal.args)
    return heard and first.fields == {"signal": id}


async def _first_word(store: Store, waiter: str, word: Line, now: int) -> Line:
    """The first that is said to the one that waits. It is kept as its first line, so of several at once one stands.

    Whoever finds that another was first brings that other's word, lest it is lost with its sender.
    """
    await store.amend([waiter], Change(lines=(replace(word, n=1),)), now)
    lines = await store.lines(waiter, 0, 1)
    return lines[0] if lines else word


def _receiver(run: Run | None, id: str, name: str) -> Run:
    if run is None:
        raise UnknownRun(f"no run has the id {id!r}; it may have been pruned")
    if run.state.over:
        how = "has succeeded" if run.state is State.SUCCEEDED else f"is over: {epitaph(run)}"
        raise RunOver(f"run {id} of {run.job!r} {how}; nobody waits for the signal {name!r} any more")
    return run


async def _handed_over(store: Store, signal: Run, now: int) -> bool:
    """Give the one that waits what the signal carries; if it has just given up, the signal is in vain."""
    [added] = await store.add([signal], now)
    if added.fate is Fate.RENEWED:
        return True
    await store.amend([signal.id], Change(cancel="it came too late"), now)
    return False


async def _carries(store: Store, waiter: str, word: str) -> bool:
    """Whether the one that waited has this word, because another brought it."""
    return any(each.args == word for each in (await store.find(Query(ids=(waiter,)))).runs)
