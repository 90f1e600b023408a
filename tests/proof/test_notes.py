"""The evidence: it survives a kill, and a line that was cut off is no evidence."""

from pathlib import Path

from foliot.testing.faults.notes import History, Saw, histories


def test_what_several_processes_saw_is_read_in_order(tmp_path: Path):
    one, two = History(tmp_path, "a"), History(tmp_path, "b")
    two.note(Saw.UP)
    one.note(Saw.UP)
    two.note(Saw.KEPT, since=1, run="r", token=3)
    one.close()
    two.close()

    notes = histories(tmp_path)

    assert [(note.node, note.saw) for note in notes] == [("b", Saw.UP), ("a", Saw.UP), ("b", Saw.KEPT)]
    assert (notes[-1].since, notes[-1].run, notes[-1].token) == (1, "r", 3)


def test_a_line_that_a_kill_cut_off_is_no_evidence(tmp_path: Path):
    history = History(tmp_path, "a")
    history.note(Saw.UP)
    history.close()
    with (tmp_path / "a.jsonl").open("ab") as file:
        file.write(b'{"saw":"kept","node":"a","at":12')

    assert [note.saw for note in histories(tmp_path)] == [Saw.UP]
