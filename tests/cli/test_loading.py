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


def test_what_a_module_fails_to_import_is_its_own_error(console: Console):
    (console.folder / "leaky.py").write_text("import not_installed_here")

    with pytest.raises(ModuleNotFoundError, match="not_installed_here"):
        load("leaky:scheduler")
