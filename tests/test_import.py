"""Importing Foliot is cheap, and every public name is there."""

import os
import subprocess
import sys

import foliot


def test_every_public_name_is_where_it_is_said_to_be():
    assert [name for name in foliot.__all__ if not hasattr(foliot, name)] == []
    assert dir(foliot) == foliot.__all__


def loaded_by(program: str) -> set[str]:
    """The modules that a program loads by itself, in a process that nobody measures."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    told = subprocess.run(
        [sys.executable, "-c", f"import sys; {program}; print(*sys.modules)"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(told.stdout.split())


def test_importing_foliot_loads_nothing_heavy():
    heavy = {"msgspec", "asyncio", "typer", "rich", "sqlite3", "multiprocessing"}

    assert not heavy & loaded_by("import foliot")


def test_using_a_scheduler_loads_no_command_line():
    foreign = {"typer", "rich", "prometheus_client", "opentelemetry", "hypothesis", "pytest"}

    assert not foreign & loaded_by("import foliot; foliot.Scheduler")
