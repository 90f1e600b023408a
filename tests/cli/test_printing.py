import io
import re
import sys

import pytest

from foliot.cli.printing import Answer, Table, narrowest, plain, show

TABLE = Table(columns=("ID", "STATE"), rows=[("a", "succeeded"), ("long", "x\ny")], empty="nothing", title="Runs")


def test_plain_columns_are_aligned_and_cells_are_one_line():
    assert plain(TABLE) == ["Runs", "ID    STATE", "a     succeeded", "long  x y"]


def test_a_table_without_rows_says_so():
    assert plain(Table(columns=("ID",), empty="nothing here", title="Runs")) == ["Runs", "nothing here"]
    assert plain(Table(rows=[])) == []


def test_an_empty_line_is_a_line():
    assert plain("") == [""]


def test_json_is_one_document_and_nothing_else(capsys: pytest.CaptureFixture[str]):
    show(Answer({"a": [1]}, ["for people"]), json=True)

    assert capsys.readouterr().out == '{\n  "a": [\n    1\n  ]\n}\n'


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("table", [TABLE, Table(rows=[("job", "resize")]), Table(empty="nothing", title="Runs")])
def test_a_terminal_gets_a_drawing_with_the_same_words(table: Table, monkeypatch: pytest.MonkeyPatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)

    show(Answer(None, ["above", table]), json=False)

    text = terminal.getvalue()
    assert "above" in text
    assert all(word in text for row in table.rows for cell in row for word in cell.split())


RUNS = Table(
    columns=("ID", "JOB", "STATE", "DUE", "WHY"),
    rows=[("01a21c27-38cc-7f0d-a587-3de117b11833", "resize", "failed", "2026-11-27 08:37:42", ""), ("b", *"-" * 4)],
)


@pytest.mark.parametrize("columns", ["40", "60", "200"])
def test_on_a_narrow_terminal_nothing_of_a_row_is_lost(columns: str, monkeypatch: pytest.MonkeyPatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("TERM", "xterm")

    show(Answer(None, [RUNS]), json=False)

    text = re.sub(r"\x1b\[[\d;]*m", "", terminal.getvalue())
    assert all(word in text.split() for cell in RUNS.rows[0] for word in cell.split())
    assert max(map(len, text.splitlines())) <= int(columns)


def test_a_table_needs_room_for_what_is_worth_keeping_whole():
    assert narrowest(RUNS) == (36 + 6 + 6 + 19 + 3) + 5 * 3
    assert narrowest(Table(rows=[("name", "value" * 99)])) == 0
