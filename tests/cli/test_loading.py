import pytest
from tests.cli.console import Console

from foliot.cli.loading import load
from foliot.errors import DefinitionError


def test_a_scheduler_is_found_by_module_and_name(console: Console):
    assert set(load("shop:scheduler").jobs) >= {"report", "send"}


def test_the_only_scheduler_of_a_module_needs_no_name(console: Console):
    assert load("shop") is load("shop:scheduler")


@pytest.mark.parametrize(
    ("app", "message"),
    [
        ("shopping:scheduler", "there is no module 'shopping'"),
        ("shop.tasks:scheduler", "there is no module 'shop.tasks'"),
        ("shop:schedular", "did you mean 'scheduler'"),
        ("shop:xyz", "'shop' has scheduler"),
        ("shop:report", "is not a Scheduler"),
        ("shop.py:scheduler", "name the module: 'shop'"),
        ("", "names no module; write it like shop.tasks:scheduler"),
        (":scheduler", "names no module"),
        ("shop..tasks", "names no module"),
        ("os", "has 0 schedulers; name one, like 'os:scheduler'"),
    ],
)
def test_a_slip_is_named_with_its_remedy(console: Console, app: str, message: str):
    with pytest.raises(DefinitionError, match=message):
        load(app)


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("import not_installed_here\n", "No module named 'not_installed_here'"),
        ("def helper():\n    return {}['key']\n\nhelper()\n", "line 2, in helper"),
        ("from foliot import cron\n\n@cron('61 * * * *')\ndef tick(): ...\n", "line 3, in <module>"),
        ("x = (\n", "line 1\n"),
    ],
)
def test_what_a_module_itself_raises_is_told_with_its_own_lines_alone(console: Console, program: str, told: str):
    (console.folder / "leaky.py").write_text(program)

    text = console.typed("--app", "leaky:scheduler", "schedules", "list").stderr

    assert text.startswith("foliot: module 'leaky' cannot be imported; mend this in it:\n  File ")
    assert told in text
    assert {line.split('"')[1] for line in text.splitlines() if line.startswith("  File ")} == {
        str(console.folder / "leaky.py")
    }


def test_debug_shows_every_line(console: Console):
    (console.folder / "leaky.py").write_text("import not_installed_here")

    problem = console.typed("--debug", "--app", "leaky:scheduler", "schedules", "list").exception

    assert isinstance(problem, DefinitionError)
    assert isinstance(problem.__cause__, ModuleNotFoundError)
