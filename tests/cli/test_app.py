import os
import subprocess
import sys

import pytest
import typer
from tests.cli.console import Console, nothing
from typer.testing import CliRunner

from foliot.cli.app import app
from foliot.cli.errors import UNREAD, USAGE, WRONG, kind_errors, kind_output, refuse_bytes

COMMANDS = [
    (), ("demo",), ("run",), ("top",), ("doctor",), ("explain",), ("preview",), ("lint",),
    ("schedules",), ("runs",), ("queues",),
    *(("schedules", each) for each in ("list", "show", "pause", "resume", "trigger", "backfill", "skip", "delete")),
    *(("runs", each) for each in ("list", "show", "logs", "cancel", "retry", "prune")),
    *(("queues", each) for each in ("list", "pause", "resume", "limit")),
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_helps(command: tuple[str, ...]):
    result = CliRunner().invoke(app, [*command, "--help"], prog_name="foliot")

    assert result.exit_code == 0
    assert result.stdout.startswith("Usage: foliot")
    assert "<class" not in result.stdout


def test_options_may_stand_before_a_command_or_after_it(console: Console):
    console.work(nothing)
    runner = CliRunner()

    before = runner.invoke(app, ["--store", console.url, "--json", "schedules", "list"])
    after = runner.invoke(app, ["schedules", "list", "--json", "--store", console.url])

    assert before.exit_code == after.exit_code == 0
    assert before.stdout == after.stdout


def test_what_stands_after_goes_before_what_stands_before(console: Console):
    console.work(nothing)

    result = CliRunner().invoke(app, ["--store", "sqlite:///nowhere.db", "schedules", "list", "--store", console.url])

    assert result.exit_code == 0


@pytest.mark.parametrize("place", ["variable", "file", "app"])
def test_a_store_is_found_where_it_is_named(console: Console, monkeypatch: pytest.MonkeyPatch, place: str):
    console.work(nothing)
    match place:
        case "variable":
            monkeypatch.setenv("FOLIOT_STORE", console.url)
        case "file":
            (console.folder / "foliot.toml").write_text(f'store = "{console.url}"')
        case _:
            monkeypatch.setenv("FOLIOT_APP", "shop:scheduler")

    result = CliRunner().invoke(app, ["schedules", "list", "--job", "send"])

    assert "send" in result.stdout


def test_a_given_store_goes_before_that_of_the_app(console: Console):
    console.work(nothing)
    (console.folder / "shop.py").write_text(
        (console.folder / "shop.py").read_text().replace(f"{console.folder}/shop.db", "elsewhere.db")
    )

    assert "send" in console("--app", "shop:scheduler", "schedules", "list")


def test_no_store_is_one_message_that_says_how_to_name_one(console: Console):
    result = CliRunner().invoke(app, ["runs", "list"])

    assert result.exit_code == 1
    assert result.stderr.startswith("foliot: which store? Give --store sqlite:///jobs.db")


def test_looking_makes_no_file(console: Console):
    result = CliRunner().invoke(app, ["--store", "sqlite:///typo.db", "runs", "list"])

    assert result.exit_code == 1
    assert "there is no file" in result.stderr
    assert not (console.folder / "typo.db").exists()


def test_an_error_is_one_message_and_its_traceback_only_for_debugging(console: Console):
    console.work(nothing)

    kind, debug = console.typed("runs", "show", "x"), console.typed("--debug", "runs", "show", "x")

    assert kind.stderr.count("\n") == 1
    assert type(debug.exception).__name__ == "UnknownRun"


def test_ctrl_c_is_a_quiet_end():
    with pytest.raises(typer.Exit) as end, kind_errors(debug=False):
        raise KeyboardInterrupt

    assert end.value.exit_code == 130


def test_a_store_that_cannot_be_named_is_an_error(console: Console):
    result = CliRunner().invoke(app, ["--store", "paper://drawer", "runs", "list"])

    assert result.exit_code == 1
    assert "paper" in result.stderr


def test_the_version_is_told():
    assert CliRunner().invoke(app, ["--version"]).stdout.startswith("foliot 0.")


def test_the_library_imports_nothing_of_the_command_line():
    code = (
        "import foliot, foliot.scheduler, sys; sys.exit(bool({'typer', 'rich', 'foliot.cli.app'} & set(sys.modules)))"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_help_draws_nothing_and_so_needs_no_rich():
    code = "import sys\nfrom foliot.cli.app import app\nassert 'rich' not in sys.modules, 'rich'\napp(['--help'])"

    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "Run jobs when they are due" in result.stdout


def test_python_m_foliot_is_foliot():
    result = subprocess.run([sys.executable, "-m", "foliot", "--version"], capture_output=True, text=True, check=True)

    assert result.stdout.startswith("foliot 0.")


def test_a_setting_that_cannot_be_read_is_one_message_with_file_and_line(console: Console):
    (console.folder / "foliot.toml").write_text('tz = "Mars/Phobos"\n')

    result = console.typed("runs", "list")

    assert result.exit_code == 1
    assert "foliot.toml:1" in result.stderr
    assert result.stderr.count("\n") == 1


def _printing(into: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "foliot", "--version"], stdout=into, stderr=subprocess.PIPE, text=True, check=False
    )


def test_nobody_reading_on_ends_it_quietly():
    reading, writing = os.pipe()
    os.close(reading)

    result = _printing(writing)

    os.close(writing)
    assert (result.returncode, result.stderr) == (UNREAD, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has a device that is always full")
def test_a_full_disk_below_standard_output_is_one_message():
    with open("/dev/full", "w") as full:
        result = _printing(full.fileno())

    assert result.returncode == WRONG
    assert result.stderr.startswith("foliot: standard output cannot be written (No space left on device)")


def test_without_standard_output_it_still_runs():
    code = "import os, sys; os.close(1); os.execv(sys.executable, [sys.executable, '-m', 'foliot', '--version'])"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_words_that_are_no_text_are_a_usage_error(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as caught:
        refuse_bytes(["foliot", "runs", "show", "\udcff"])

    assert caught.value.code == USAGE
    assert "'\\udcff' on the command line is not text in UTF-8" in capsys.readouterr().err


def test_an_error_of_the_system_that_is_not_about_output_stays_what_it_is():
    with pytest.raises(FileNotFoundError), kind_output():
        raise FileNotFoundError("gone")
