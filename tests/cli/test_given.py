from datetime import UTC, datetime, timedelta, timezone

import pytest
import typer

from foliot.cli import given
from foliot.cli.words import Words
from foliot.moments import HOUR, instant

NOW = instant("2026-11-21T09:00:00Z")
WORDS = Words(now=NOW, utc=True)


def test_a_length_is_counted_back_from_now():
    assert instant(given.moment("2h", WORDS)) == NOW - 2 * HOUR


def test_a_time_with_a_zone_is_that_instant():
    assert instant(given.moment("2026-11-21T18:00:00+09:00", WORDS)) == NOW


def test_a_time_without_a_zone_is_read_in_the_zone_that_is_shown():
    naive = datetime(2026, 11, 21, 9)

    assert given.moment("2026-11-21 09:00", WORDS) == naive.replace(tzinfo=UTC)
    assert given.moment("2026-11-21 09:00", Words(now=NOW)) == naive.astimezone()


@pytest.mark.parametrize("text", ["", "soon", "12:99", "2026-13-01"])
def test_what_is_no_time_is_a_usage_error(text: str):
    with pytest.raises(typer.BadParameter, match="is not a time"):
        given.moment(text, WORDS)


def test_a_span_is_a_length():
    assert given.span("7d") == timedelta(days=7) // timedelta(microseconds=1)
    with pytest.raises(typer.BadParameter, match="not a length"):
        given.span("a while")


def test_values_of_pairs_are_json_or_else_text():
    assert given.pairs(["tenant=acme", "n=3", 'who="3"', "on=true", "url=a=b"]) == {
        "tenant": "acme",
        "n": 3,
        "who": "3",
        "on": True,
        "url": "a=b",
    }


@pytest.mark.parametrize("text", ["tenant", "=acme"])
def test_what_is_no_pair_is_a_usage_error(text: str):
    with pytest.raises(typer.BadParameter, match="is not a pair"):
        given.pairs([text])


def test_arguments_come_from_a_document_and_from_pairs():
    assert given.arguments(None, []) is None
    assert given.arguments('{"a": 1, "b": 2}', ["b=3"]) == {"a": 1, "b": 3}
    with pytest.raises(typer.BadParameter, match="JSON object"):
        given.arguments("[1]", [])


@pytest.mark.parametrize("text", ["0001-01-01", "9999-12-31 23:59"])
def test_a_time_beyond_those_there_are_is_a_usage_error(text: str):
    with pytest.raises(typer.BadParameter, match="beyond the times there are"):
        given.moment(text, Words(now=NOW), timezone(timedelta(hours=14 if text < "1" else -14)))


def test_a_value_nested_beyond_reading_is_text():
    assert given.value_of("[" * 5000) == "[" * 5000
