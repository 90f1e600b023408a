import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from foliot.errors import SettingsError
from foliot.moments import DAY, HOUR, MINUTE, SECOND
from foliot.settings import NAMES, Setting, Settings, SettingsKeywords


def read(overrides: Mapping[str, Any] | None = None, start: Path | str = "/", **environ: str) -> Settings:
    return Settings.read(overrides, environ, Path(start))


def test_without_a_word_from_anybody_there_are_defaults():
    settings = read()

    assert settings.store == "memory://"
    assert settings.queues == ()
    assert settings.concurrency == 100
    assert settings.threads is None
    assert settings.processes is None
    assert settings.lease == 30 * SECOND
    assert settings.grace == 30 * SECOND
    assert settings.tz == "UTC"
    assert settings.keep == 7 * DAY
    assert settings.keep_runs == 10_000
    assert settings.log_level == "INFO"


def test_a_worker_is_called_after_its_host_and_process():
    assert read().name.endswith(f"-{os.getpid()}")


def test_keywords_go_before_variables_and_variables_before_the_file(tmp_path: Path):
    (tmp_path / "foliot.toml").write_text('concurrency = 1\nlease = "1m"\ntz = "Asia/Seoul"\n')

    settings = read({"concurrency": 3}, tmp_path, FOLIOT_CONCURRENCY="2", FOLIOT_LEASE="2m")

    assert (settings.concurrency, settings.lease, settings.tz) == (3, 2 * MINUTE, "Asia/Seoul")


@pytest.mark.parametrize(
    ("variable", "text", "name", "value"),
    [
        ("FOLIOT_STORE", "sqlite:///jobs.db", "store", "sqlite:///jobs.db"),
        ("FOLIOT_QUEUES", "mail, news", "queues", ("mail", "news")),
        ("FOLIOT_QUEUES", "", "queues", ()),
        ("FOLIOT_LABELS", "gpu,eu, gpu", "labels", ("gpu", "eu")),
        ("FOLIOT_CONCURRENCY", " 8 ", "concurrency", 8),
        ("FOLIOT_THREADS", "4", "threads", 4),
        ("FOLIOT_THREADS", "none", "threads", None),
        ("FOLIOT_PROCESSES", "2", "processes", 2),
        ("FOLIOT_LEASE", "45", "lease", 45 * SECOND),
        ("FOLIOT_GRACE", "1.5", "grace", 1_500_000),
        ("FOLIOT_KEEP", "36h", "keep", 36 * HOUR),
        ("FOLIOT_KEEP_RUNS", "none", "keep_runs", None),
        ("FOLIOT_LOG_LEVEL", "debug", "log_level", "DEBUG"),
        ("FOLIOT_TZ", "Europe/Berlin", "tz", "Europe/Berlin"),
        ("FOLIOT_NAME", "alpha", "name", "alpha"),
    ],
)
def test_a_variable_is_read_as_its_setting_needs_it(variable: str, text: str, name: str, value: object):
    assert getattr(Settings.read({}, {variable: text}, Path("/")), name) == value


def test_keywords_and_files_may_use_their_own_types(tmp_path: Path):
    (tmp_path / "foliot.toml").write_text('queues = ["mail", "news"]\nlease = 45\nkeep_runs = "none"\n')

    settings = read({"threads": None, "grace": 0.5}, tmp_path)

    assert settings.queues == ("mail", "news")
    assert settings.lease == 45 * SECOND
    assert settings.keep_runs is None
    assert settings.threads is None
    assert settings.grace == SECOND // 2


def test_the_nearest_file_upward_is_the_one(tmp_path: Path):
    deep = tmp_path / "project" / "src" / "package"
    deep.mkdir(parents=True)
    (tmp_path / "foliot.toml").write_text("concurrency = 1\nthreads = 1")
    (tmp_path / "project" / "pyproject.toml").write_text("[tool.foliot]\nconcurrency = 2\n")
    (deep / "pyproject.toml").write_text("[tool.ruff]\nline-length = 110\n")

    settings = read(start=deep)

    assert settings.concurrency == 2
    assert settings.threads is None


def test_beside_each_other_the_own_file_goes_first(tmp_path: Path):
    (tmp_path / "foliot.toml").write_text("concurrency = 1")
    (tmp_path / "pyproject.toml").write_text("[tool.foliot]\nconcurrency = 2\n")

    assert read(start=tmp_path).concurrency == 1


@pytest.mark.parametrize("text", ["tool = 3", "[tool]\nfoliot = 3", "[tool.other]\nfoliot = 3", ""])
def test_a_project_file_without_our_table_is_not_ours(tmp_path: Path, text: str):
    (tmp_path / "pyproject.toml").write_text(text)

    assert read(start=tmp_path).sources == {}


def test_every_setting_can_be_a_keyword():
    assert {"store", *SettingsKeywords.__annotations__} == set(NAMES)


# Errors name the source


def refused(overrides: Mapping[str, Any] | None = None, start: Path | str = "/", **environ: str) -> str:
    with pytest.raises(SettingsError) as raised:
        read(overrides, start, **environ)
    return str(raised.value)


def test_a_bad_keyword_is_named():
    assert refused({"concurrency": 0}) == "keyword: concurrency: 0 is not a whole number from 1"


def test_a_bad_variable_is_named():
    problem = refused(FOLIOT_LEASE="soon")

    assert problem.startswith("FOLIOT_LEASE: lease: 'soon' is not a length of time; write it like '30s'")


def test_a_bad_value_in_a_file_is_named_with_its_line(tmp_path: Path):
    file = tmp_path / "foliot.toml"
    file.write_text('# ours\nstore = "memory://"\n\nconcurrency = true\n')

    assert refused(start=tmp_path) == f"{file}:4: concurrency: True is not a whole number from 1"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[tool.foliot]\ntz = 'Mars'", 2),
        ("[tool.other]\ntz = 'UTC'\n\n[ tool . foliot ]\nlease = '1s'\n  'tz'  =  'Mars'", 6),
        ("tool.foliot.tz = 'Mars'", 1),
        ("[tool]\n\nfoliot.tz = 'Mars'", 3),
        ("[tool]\nfoliot = { tz = 'Mars' }", 2),
        ("[tool.foliot]\nqueues = [\n  'a',\n]\ntz = 'Mars'\n[tool.later]\ntz = 'UTC'", 5),
        ("[tool.foliot]\n't\\u007A' = 'Mars'", 1),
    ],
)
def test_the_line_of_a_key_is_found_however_it_is_written(tmp_path: Path, text: str, line: int):
    file = tmp_path / "pyproject.toml"
    file.write_text(text.replace("'t\\u007A'", '"t\\u007A"'))

    assert refused(start=tmp_path).startswith(f"{file}:{line}: tz: unknown time zone 'Mars'")


def test_an_unknown_keyword_is_refused_with_the_nearest_name():
    assert refused({"concurency": 3}) == "keyword: unknown setting 'concurency'; did you mean 'concurrency'?"


def test_a_name_that_resembles_nothing_is_refused_with_all_there_are():
    assert refused({"zzz": 3}) == f"keyword: unknown setting 'zzz'; there are: {', '.join(NAMES)}"


def test_where_values_come_from_is_not_a_setting():
    assert "unknown setting 'sources'" in refused({"sources": {}})


def test_an_unknown_key_in_a_file_is_refused_with_its_line(tmp_path: Path):
    file = tmp_path / "foliot.toml"
    file.write_text('lease = "1m"\n[worker]\nthreads = 3\n')

    assert refused(start=tmp_path).startswith(f"{file}:2: unknown setting 'worker'")


def test_a_misspelled_variable_is_refused():
    assert refused(FOLIOT_STOER="x") == "FOLIOT_STOER: there is no such setting; did you mean FOLIOT_STORE?"


def test_variables_of_others_are_left_alone():
    settings = read(FOLIOT_PORT="tcp://10.0.0.1:80", FOLIOT_SERVICE_HOST="10.0.0.1", STORE="x", FOLIOT_="y")

    assert settings.sources == {}


def test_a_file_that_is_not_toml_is_refused_with_the_line(tmp_path: Path):
    file = tmp_path / "foliot.toml"
    file.write_text('store = "memory://"\nlease = = 3\n')

    assert refused(start=tmp_path).startswith(f"{file}:2: not TOML: ")


def test_a_file_that_stops_short_is_refused_at_its_last_line(tmp_path: Path):
    file = tmp_path / "foliot.toml"
    file.write_text('store = "memory://"\nqueues = [')

    assert refused(start=tmp_path).startswith(f"{file}:2: not TOML: ")


def test_a_file_that_is_not_text_is_refused(tmp_path: Path):
    (tmp_path / "foliot.toml").write_bytes(b'store = "\xff"')

    assert refused(start=tmp_path).startswith(f"{tmp_path / 'foliot.toml'}: cannot be read: ")


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("store", "jobs.db", "'jobs.db' is not a store's URL; write it like 'sqlite:///jobs.db'"),
        ("store", None, "None is not a store's URL"),
        ("queues", ["a", ""], "['a', ''] is not a list of names"),
        ("queues", "a,,b", "'a,,b' is not a list of names"),
        ("queues", 3, "3 is not a list of names"),
        ("labels", ["gpu+eu"], "'gpu+eu' is no label; write two labels as two, without '+' and '@'"),
        ("concurrency", None, "None is not a whole number from 1"),
        ("concurrency", 1.5, "1.5 is not a whole number from 1"),
        ("concurrency", "-3", "'-3' is not a whole number from 1"),
        ("threads", 0, "0 is not a whole number from 1"),
        ("lease", 0, "0 is not a length of time above zero"),
        ("lease", "-5s", "'-5s' is not a length of time"),
        ("grace", None, "None is not a length of time"),
        ("tz", "Europe/Berln", "unknown time zone 'Europe/Berln'; did you mean 'Europe/Berlin'?"),
        ("tz", 3, "3 is not a name; give a text"),
        ("log_level", "LOUD", "'LOUD' is not a level; choose one of DEBUG, INFO"),
        ("log_level", 10, "10 is not a level"),
        ("name", " ", "' ' is not a name"),
        ("name", 5, "5 is not a name"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_with_the_remedy(name: str, value: object, problem: str):
    assert refused({name: value}).startswith(f"keyword: {name}: {problem}")


# What people see


def test_every_value_tells_where_it_came_from(tmp_path: Path):
    file = tmp_path / "foliot.toml"
    file.write_text('\nlease = "90s"\nkeep_runs = "none"')

    told = {each.name: each for each in read({"queues": ["a", "b"]}, tmp_path, FOLIOT_NAME="alpha").describe()}

    assert list(told) == list(NAMES)
    assert told["queues"] == Setting("queues", "a, b", "keyword")
    assert told["name"] == Setting("name", "alpha", "FOLIOT_NAME")
    assert told["lease"] == Setting("lease", "1m30s", f"{file}:2")
    assert told["keep_runs"] == Setting("keep_runs", "none", f"{file}:3")
    assert told["keep"] == Setting("keep", "7d", "default")


def test_no_queue_named_is_shown_as_all_and_no_label_as_none():
    queues, labels = read().describe()[1:3]

    assert queues == Setting("queues", "all", "default")
    assert labels == Setting("labels", "none", "default")


def test_what_somebody_wishes_goes_over_all_and_is_checked_in_their_name():
    settings = read({"queues": ["a"], "tz": "Asia/Seoul"})

    over = settings.over({"queues": "b,c"}, "command line")

    assert (over.queues, over.tz) == (("b", "c"), "Asia/Seoul")
    assert over.sources == {"queues": "command line", "tz": "keyword"}
    with pytest.raises(SettingsError, match="command line: lease: 0 is not a length of time above zero"):
        settings.over({"lease": 0}, "command line")
    with pytest.raises(SettingsError, match="command line: unknown setting 'leese'; did you mean 'lease'"):
        settings.over({"leese": 1}, "command line")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ada:secret@host/db", "postgresql://ada:***@host/db"),
        ("redis://:s@e:cret@host:6379/0", "redis://:***@host:6379/0"),
        (
            "postgresql://host/db?user=ada&password=secret&ssl=on",
            "postgresql://host/db?user=ada&password=***&ssl=on",
        ),
        ("postgresql://ada@host/db", "postgresql://ada@host/db"),
        ("sqlite:///jobs@home.db", "sqlite:///jobs@home.db"),
    ],
)
def test_passwords_are_not_shown(url: str, shown: str):
    assert read({"store": url}).describe()[0] == Setting("store", shown, "keyword")


def test_the_process_is_asked_when_settings_are_read_and_not_before(tmp_path: Path):
    program = (
        "import os, foliot.settings\n"
        "os.environ['FOLIOT_CONCURRENCY'] = '7'\n"
        f"os.chdir({str(tmp_path)!r})\n"
        "settings = foliot.settings.Settings.read()\n"
        "print(settings.concurrency, settings.tz)\n"
    )
    (tmp_path / "foliot.toml").write_text('tz = "Asia/Seoul"')

    answer = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)

    assert answer.stdout == "7 Asia/Seoul\n"
