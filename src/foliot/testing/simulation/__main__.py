"""``python -m foliot.testing.simulation``: simulate many clusters, and say what was broken and how to see it again."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from random import Random

from foliot.moments import length
from foliot.testing.simulation.plan import planned
from foliot.testing.simulation.telling import summary, told
from foliot.testing.simulation.world import Report, simulate


def main(given: Sequence[str] | None = None) -> int:
    """Simulate what was asked for; 1 if a promise was broken."""
    asked = _parser().parse_args(given)
    storm = None if asked.time is None else length(asked.time)
    seeds = range(asked.first, asked.first + asked.seeds) if asked.seed is None else [asked.seed]
    reports: list[Report] = []
    for seed in seeds:
        nodes = None if asked.nodes is None else size(seed, *asked.nodes)
        report = simulate(planned(seed, nodes, storm))
        reports.append(report)
        if report.wrongs or asked.verbose or asked.seed is not None:
            _say(told(report, nodes, asked.time))
    _say(summary(reports))
    return int(any(report.wrongs for report in reports))


def size(seed: int, least: int, most: int) -> int:
    """How many nodes the cluster of a seed has: each order of magnitude is as frequent as any other."""
    return round(least * (most / least) ** Random(f"size {seed}").random())  # noqa: S311 - a simulation


def _from_to(text: str) -> tuple[int, int]:
    least, _, most = text.partition("-")
    return int(least), int(most or least)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m foliot.testing.simulation",
        description="Whole clusters with the real engine in one deterministic event loop; every promise is checked.",
    )
    parser.add_argument("--seed", type=int, help="this one only, with its plan")
    parser.add_argument("--seeds", type=int, default=100, help="how many (default: 100)")
    parser.add_argument("--first", type=int, default=0, help="the first of them (default: 0)")
    parser.add_argument(
        "--nodes",
        type=_from_to,
        metavar="N|FROM-TO",
        help="how many nodes a cluster has (default: 1 to 8, by the seed); of 3-200, small ones are more frequent",
    )
    parser.add_argument("--time", help="how long it storms, like 2d or 90m (default: by the seed)")
    parser.add_argument("--verbose", action="store_true", help="tell of each seed")
    return parser


if __name__ == "__main__":
    sys.exit(main())
