"""What the pages list is all there is: settings, options, commands, checks, metrics and public names."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from typer.main import get_command

import foliot
import foliot.testing
import foliot.triggers
from foliot.cli.app import app
from foliot.cli.checkup import Facts, findings
from foliot.observe.prometheus import Metrics
from foliot.options import DecoratorKeywords, JobKeywords, RunKeywords
from foliot.settings import PREFIX, Settings

DOCS = Path(__file__).parent.parent / "docs"


def page(name: str) -> str:
    return (DOCS / f"{name}.md").read_text("utf-8")


def section(name: str, heading: str) -> str:
    """What stands below a heading, up to the next one."""
    return page(name).partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def rows(text: str) -> dict[str, list[str]]:
    """The rows of the tables in a text, by each name in their first cell; a name has no backticks."""
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    return {name: rest for first, *rest in cells for name in re.findall(r"`([^`]+)`", first) or [first]}


def documented(text: str) -> set[str]:
    """The identifiers whose docstrings a page shows."""
    return set(re.findall(r"^::: (\S+)$", text, re.MULTILINE))


REFERENCE = {name for each in (DOCS / "reference").glob("*.md") for name in documented(each.read_text("utf-8"))}


def test_the_settings_table_names_every_setting_with_its_variable_and_default():
    told = rows(section("operations", "Settings"))

    for setting in Settings().describe():
        variable, default = told.pop(setting.name)[:2]
        assert variable == f"`{PREFIX}{setting.name.upper()}`"
        if setting.name != "name":  # this one is made of host and process
            assert default.strip("`") == setting.value
    assert told.keys() <= {"setting", "---"}


@pytest.mark.parametrize("name", foliot.__all__)
def test_every_public_name_is_in_the_reference(name: str):
    assert f"foliot.{name}" in REFERENCE


@pytest.mark.parametrize("module", [foliot.triggers, foliot.testing])
def test_every_public_name_of_a_public_module_is_in_the_reference(module: Any):
    shown = {each.rpartition(".")[2] for each in REFERENCE if each.startswith(("foliot.testing", "foliot.triggers"))}

    assert set(module.__all__) - shown - set(foliot.__all__) == set()


@pytest.mark.parametrize(
    ("heading", "keywords"),
    [
        ("Of a job", {*JobKeywords.__annotations__, "shards"}),
        ("Of a schedule", DecoratorKeywords.__annotations__.keys() - JobKeywords.__annotations__.keys()),
        ("Of a single run", {*RunKeywords.__annotations__, "shards"}),
    ],
)
def test_the_tables_of_options_name_every_keyword(heading: str, keywords: set[str]):
    assert rows(section("reference/options", heading)).keys() - {"keyword", "---"} == keywords


def commands(group: Any, *path: str) -> Iterator[str]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, *path, name)
        else:
            yield " ".join((*path, name))


def test_every_command_is_named_and_no_other():
    told = rows(section("operations", "The command line"))

    assert {name for name in told if name.startswith("foliot ")} == set(commands(get_command(app), "foliot"))


def test_every_check_of_the_doctor_is_named_and_no_other():
    told = rows(section("operations", "What doctor looks at"))

    assert told.keys() - {"check", "---"} == {"store", *(each.check for each in findings(Facts(now=0)))}


def test_every_metric_is_named():
    registry = CollectorRegistry()
    Metrics(registry)
    told = rows(section("observability", "Prometheus"))

    assert {each.name for each in registry.collect()} == {name.removesuffix("_total") for name in told} - {
        "metric",
        "---",
    }
