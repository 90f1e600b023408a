import foliot.errors
from foliot.errors import ArgumentsError, DefinitionError, FoliotError, RunFailed, TriggerError, UnknownRun


def test_a_trigger_error_points_at_the_mistake():
    error = TriggerError("there is no hour 25", text="0 25 * * *", at=2)

    first, text, caret = str(error).splitlines()
    assert first == "there is no hour 25"
    assert text[caret.index("^") :].startswith("25")


def test_a_mistake_at_the_very_start_is_pointed_at_too():
    error = TriggerError("there is no minute 61", text="61 * * * *", at=0)

    _, text, caret = str(error).splitlines()
    assert caret.index("^") == text.index("61")


def test_without_a_place_there_is_no_drawing():
    assert str(TriggerError("an interval is longer than nothing", text="0s")) == ("an interval is longer than nothing")


def test_a_trigger_error_keeps_the_text_and_the_place_for_programs():
    error = TriggerError("there is no hour 25", text="0 25 * * *", at=2)

    assert (error.text, error.at) == ("0 25 * * *", 2)


def test_a_failed_run_comes_with_its_error():
    ended = object()

    assert RunFailed("the run was cancelled", ended).run is ended


def test_errors_are_also_the_builtin_kind_that_people_catch():
    assert issubclass(DefinitionError, ValueError)
    assert issubclass(ArgumentsError, TypeError)
    assert issubclass(UnknownRun, LookupError)


def test_the_tree_in_the_docstring_is_the_tree():
    drawn = foliot.errors.__doc__ or ""
    ours = [each for each in vars(foliot.errors).values() if isinstance(each, type)]

    assert all(issubclass(each, FoliotError) for each in ours)
    assert all(each.__name__ in drawn for each in ours)
