"""Run the parts that are asked for, all of them by default, and write what came of it into RESULTS.md."""

import argparse
from collections.abc import Callable, Sequence

from benchmarks import (
    backlog,
    cron,
    fanout,
    latency,
    memory,
    postgres,
    redis,
    report,
    schedules,
    sqlite,
    startup,
    workflows,
)
from benchmarks.contest import Contest
from benchmarks.machine import described
from benchmarks.race import hold

PARTS: dict[str, Callable[[bool], Sequence[Contest]]] = {
    "memory": memory.contests,
    "sqlite": sqlite.contests,
    "postgres": postgres.contests,
    "backlog": backlog.contests,
    "redis": redis.contests,
    "latency": latency.contests,
    "schedules": schedules.contests,
    "fanout": fanout.contests,
    "workflows": workflows.contests,
    "startup": startup.contests,
    "cron": cron.contests,
}


def main() -> None:
    """Measure, print, and unless it was only a quick look, keep."""
    asked = _asked()
    for part in asked.parts or PARTS:
        machine = described()
        standings = [hold(each, 1 if asked.quick else each.rounds) for each in PARTS[part](asked.quick)]
        text = report.section(part, machine, standings)
        print(text)
        if not asked.quick:
            report.keep(part, text, PARTS)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"any of: {', '.join(PARTS)}")
    parser.add_argument("--quick", action="store_true", help="less work and one round; RESULTS.md stays as it is")
    asked = parser.parse_args()
    if unknown := [each for each in asked.parts if each not in PARTS]:
        parser.error(f"there is no part {unknown[0]!r}; there are: {', '.join(PARTS)}")
    return asked


if __name__ == "__main__":
    main()
