import io
import sys

import pytest

from foliot.cli.printing import Answer, Table, plain, show

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
