"""Reports of simulations as text."""

from __future__ import annotations

from collections.abc import Sequence

from foliot.moments import DAY, HOUR, spell
from foliot.testing.simulation.world import Report


def told(report: Report, nodes: int | None, time: str | None) -> str:
    """One simulation: what it was, what it came to, what was broken, and how to see it again."""
    asked = (f" --nodes {nodes}" if nodes else "") + (f" --time {time}" if time else "")
    lines = [f"seed {_what(report)}; {_counts([report])}; pulse {report.pulse:08x}"]
    lines += [f"  BROKEN: {each}" for each in report.wrongs]
    if report.wrongs:
        lines.append(f"  again: python -m foliot.testing.simulation --seed {report.plan.seed}{asked}")
    return "\n".join(lines)


def _what(report: Report) -> str:
    plan = report.plan
    return (
        f"{plan.seed}: {plan.nodes} nodes for {report.lasted / HOUR:.1f} h, lease {spell(plan.lease)}, "
        f"trip {spell(plan.trip)}, clocks off by up to {spell(plan.skew)}"
        f"{', following the store' if plan.follow else ''}"
    )


def summary(reports: Sequence[Report]) -> str:
    """All of them together."""
    broken = [report.plan.seed for report in reports if report.wrongs]
    days = sum(report.lasted for report in reports) / DAY
    seconds = sum(report.cpu for report in reports)
    verdict = f"promises were broken by {len(broken)}: {broken}" if broken else "every promise was kept"
    what = f"{len(reports)} seeds, {days:.1f} days of cluster time in {seconds:.0f} s of CPU"
    return f"{what} ({_counts(reports)}): {verdict}"


def _counts(reports: Sequence[Report]) -> str:
    def total(what: str) -> str:
        return f"{sum(getattr(report, what) for report in reports):,}"

    return (
        f"{total('runs')} runs, {total('fired')} firings, {total('lost')} attempts lost, {total('boots')} boots, "
        f"{total('calls')} calls of which {total('failed')} failed"
    )
