"""Importing Foliot is cheap, and every public name is there."""

import subprocess
import sys

import foliot


def test_every_public_name_is_where_it_is_said_to_be():
    assert [name for name in foliot.__all__ if not hasattr(foliot, name)] == []
    assert dir(foliot) == foliot.__all__


def test_importing_foliot_loads_nothing_heavy():
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, foliot; print(*sys.modules)"], capture_output=True, text=True, check=True
    ).stdout.split()

    assert not {"msgspec", "asyncio", "typer", "rich", "sqlite3", "multiprocessing"} & set(loaded)


def test_using_a_scheduler_loads_no_command_line():
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, foliot; foliot.Scheduler; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()

    assert not {"typer", "rich", "prometheus_client", "opentelemetry", "hypothesis", "pytest"} & set(loaded)
