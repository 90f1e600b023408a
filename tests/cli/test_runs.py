import json
from typing import Any

import pytest
from tests.cli.console import Console


@pytest.fixture
def worked(console: Console) -> tuple[Console, dict[str, str]]:
    """The shop has run one job well and one badly, and one run waits."""

    async def act(shop: dict[str, Any]) -> dict[str, str]:
        loud = await shop["loud"].options(tags=["t", "u"], meta={"tenant": "acme", "size": {"width": 640}}).enqueue()
        broken = await shop["broken"].enqueue()
        assert await loud.result(timeout="5s") == 42
        await shop["scheduler"].runs.ended(broken.id, timeout="5s")
        waiting = await shop["send"].options(after="1h").enqueue()
        return {"loud": loud.id, "broken": broken.id, "waiting": waiting.id}

    return console, console.work(act)


Worked = tuple[Console, dict[str, str]]


@pytest.mark.parametrize(
    ("filters", "jobs"),
    [
        ((), {"loud", "broken", "send"}),
        (("--state", "failed"), {"broken"}),
        (("--state", "failed", "--state", "succeeded"), {"loud", "broken"}),
        (("--job", "loud"), {"loud"}),
        (("--schedule", "report"), set()),
        (("--queue", "mail"), {"send"}),
        (("--worker", "till"), {"loud", "broken"}),
        (("--tag", "t", "--tag", "u"), {"loud"}),
        (("--tag", "t", "--tag", "x"), set()),
        (("--meta", "tenant=acme", "--job", "loud"), {"loud"}),
        (("--meta", "size.width=640", "--job", "loud"), {"loud"}),
        (("--since", "1h"), {"loud", "broken", "send"}),
        (("--until", "1h"), set()),
    ],
)
def test_runs_are_found_by_what_they_have(worked: Worked, filters: tuple[str, ...], jobs: set[str]):
    console, _ = worked

    assert {each["job"] for each in console.json("runs", "list", *filters)["runs"]} == jobs


def test_a_list_goes_on_page_by_page(worked: Worked):
    console, ids = worked

    first = console.json("runs", "list", "--limit", "2")
    second = console.json("runs", "list", "--limit", "2", "--after", first["cursor"])

    assert [each["id"] for each in first["runs"] + second["runs"]] == sorted(ids.values(), reverse=True)
    assert f"--after {first['cursor']}" in console("runs", "list", "--limit", "2")
    assert second["cursor"] is None


def test_a_list_does_not_go_on_after_what_is_no_cursor(worked: Worked):
    console, _ = worked

    result = console.typed("runs", "list", "--after", "xyz")

    assert result.exit_code == 1
    assert "after='xyz': give the cursor of the page before" in result.stderr


def test_a_list_goes_on_after_a_run_whose_id_was_chosen(worked: Worked):
    console, _ = worked
    console.work(lambda shop: shop["send"].options(id="zulu", after="1h").enqueue())

    page = console.json("runs", "list", "--after", "zulu")

    assert {each["job"] for each in page["runs"]} == {"loud", "broken", "send"}


def test_a_list_for_people_has_a_line_for_each(worked: Worked):
    console, ids = worked

    lines = {line.split()[0]: line for line in console("runs", "list").splitlines()}

    assert "scheduled" in lines[ids["waiting"]]
    assert lines[ids["broken"]].endswith("failed after 1 of 1 attempts: ValueError: no")
    assert console("runs", "list", "--job", "nobody").strip() == "There are no such runs."


def test_a_run_is_shown_with_timeline_reason_and_error(worked: Worked):
    console, ids = worked

    document = console.json("runs", "show", ids["broken"])
    text = console("runs", "show", ids["broken"])

    assert document["reason"] == "failed after 1 of 1 attempts"
    assert document["error"]["kind"] == "ValueError"
    assert [each["worker"] for each in document["timeline"]] == ["till"]
    assert "Timeline" in text
    assert "Traceback" in text
    assert "till" in text


def test_a_run_that_nobody_tried_says_so(worked: Worked):
    console, ids = worked

    lines = [line.split(maxsplit=1) for line in console("runs", "show", ids["waiting"]).splitlines()]

    assert ["nobody", "has tried yet"] in lines
    assert ["state", "scheduled"] in lines
    assert ["meta", '{"tenant":"acme","size":{"width":640}}'] in lines


def test_a_result_and_the_last_progress_are_shown(worked: Worked):
    console, ids = worked

    assert console.json("runs", "show", ids["loud"])["result"] == 42
    assert "50 % (1 of 2) half" in console("runs", "show", ids["loud"])


def test_the_log_of_a_run_is_printed_with_levels_and_fields(worked: Worked):
    console, ids = worked

    lines = console("runs", "logs", ids["loud"]).splitlines()
    document = console.json("runs", "logs", ids["loud"])

    assert lines[0].endswith("info    first n=1")
    assert lines[1].endswith("warning second")
    assert [each["text"] for each in document["lines"]] == ["first", "second"]
    assert console("runs", "logs", ids["waiting"]).strip() == "It has logged nothing."


def test_following_a_log_prints_one_document_per_line_and_ends_with_the_run(worked: Worked):
    console, ids = worked

    followed = [json.loads(line) for line in console("runs", "logs", ids["loud"], "--follow", "--json").splitlines()]

    assert [each["text"] for each in followed] == ["first", "second"]
    assert "info    first" in console("runs", "logs", ids["loud"], "-f")


def test_a_run_is_cancelled_with_a_reason_and_retried(worked: Worked):
    console, ids = worked

    assert "is cancelled" in console("runs", "cancel", ids["waiting"], "--reason", "rain")
    assert console.json("runs", "show", ids["waiting"])["reason"] == "rain"
    assert console.json("runs", "retry", ids["broken"])["runs"][0]["state"] == "pending"


def test_what_is_over_can_be_forgotten(worked: Worked):
    console, ids = worked

    assert console.json("runs", "prune", "--older-than", "1h") == {"pruned": 0}
    assert console.json("runs", "prune", "--older-than", "7d") == {"pruned": 0}
    assert console("runs", "prune", "--keep", "0").strip() == "2 runs forgotten"
    assert [each["id"] for each in console.json("runs", "list")["runs"]] == [ids["waiting"]]


def test_what_ended_longer_ago_is_forgotten(worked: Worked):
    console, _ = worked

    assert console.json("runs", "prune", "--older-than", "1us") == {"pruned": 2}


def test_forgetting_without_saying_what_is_a_usage_error(console: Console):
    console.prepare(lambda _: _nothing())

    assert "--older-than" in console.typed("runs", "prune").stderr


async def _nothing() -> None: ...


@pytest.mark.parametrize("words", [("show",), ("logs",), ("logs", "--follow"), ("cancel",), ("retry",)])
def test_an_unknown_run_is_one_message_and_exit_1(worked: Worked, words: tuple[str, ...]):
    console, _ = worked

    result = console.typed("runs", *words, "nobody")

    assert result.exit_code == 1
    assert result.stderr == "foliot: no run has the id 'nobody'; it may have been pruned\n"


@pytest.mark.parametrize(
    "words",
    [("--state", "gone"), ("--since", "soon"), ("--meta", "tenant"), ("--limit", "0"), ("--limit", "x"), ("--what",)],
)
def test_a_filter_that_cannot_be_read_is_a_usage_error(console: Console, words: tuple[str, ...]):
    console.prepare(lambda _: _nothing())

    assert console.typed("runs", "list", *words).exit_code == 2
