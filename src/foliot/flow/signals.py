"""Signals to runs: a signal finds the run that waits for it, or is kept until somebody waits."""

from __future__ import annotations

from foliot.codec import dumps
from foliot.errors import RunOver, UnknownRun
from foliot.flow.story import early, signal_id, signalled
from foliot.handle import epitaph
from foliot.model import Change, Fate, Query, Run, State
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
    return await _handed_over(store, signalled(receiver, name, text, id, now), now)


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
