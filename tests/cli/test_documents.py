from foliot.cli import documents
from foliot.model import Attempt, Failure, Limit, Line, Outcome, Pause, Progress, Run, Schedule, State, Worker
from foliot.moments import SECOND, instant

NINE = instant("2026-11-21T09:00:00.012345Z")
RUN = Run(
    id="r",
    job="resize",
    due_at=NINE,
    created_at=NINE,
    args='{"path":"a.png"}',
    state=State.FAILED,
    worker="w",
    started_at=NINE,
    finished_at=NINE + SECOND,
    result="[1]",
    error=Failure(kind="E", message="no", traceback="..."),
    progress=Progress(done=1, total=2),
    attempts=(Attempt(token=1, worker="v", started_at=NINE, ended_at=NINE, outcome=Outcome.LOST),),
)


def test_the_fields_of_a_run_stay():
    assert list(documents.run(RUN, NINE)) == [
        "id", "job", "state", "shown", "reason", "schedule", "nominal_at", "queue", "priority", "key", "tags", "meta",
        "args", "created_at", "due_at", "expires_at", "deadline_at", "started_at", "finished_at", "worker", "token",
        "failures", "waits", "after", "parked", "cancelling", "progress", "result", "error", "timeline",
    ]  # fmt: skip


def test_the_fields_of_a_schedule_stay():
    schedule = Schedule(
        id="s", job="resize", trigger='{"every":"1h"}', created_at=NINE, paused=Pause(at=NINE, note="why")
    )

    document = documents.schedule(schedule, orphaned=True)

    assert list(document) == [
        "id", "job", "trigger", "tz", "args", "next_at", "last_at", "last_run", "fired", "paused", "orphaned",
        "overlap", "catchup", "window_seconds", "most", "pause_after", "skips", "queue", "priority", "key", "tags",
        "meta", "created_at", "source", "owner",
    ]  # fmt: skip
    assert document["trigger"] == {"every": "1h"}
    assert document["paused"] == {"at": "2026-11-21T09:00:00.012345Z", "note": "why"}
    assert document["window_seconds"] == 86400


def test_times_are_iso_in_utc_and_always_equally_long():
    assert documents.time(NINE) == "2026-11-21T09:00:00.012345Z"
    assert documents.time(instant("2026-11-21T18:00:00+09:00")) == "2026-11-21T09:00:00.000000Z"
    assert documents.time(None) is None


def test_stored_json_becomes_part_of_the_document():
    document = documents.run(RUN, NINE)

    assert document["args"] == {"path": "a.png"}
    assert document["result"] == [1]
    assert document["error"] == {"kind": "E", "message": "no", "traceback": "..."}
    assert document["progress"] == {"done": 1, "total": 2, "note": ""}


def test_text_that_is_no_json_is_given_as_it_is():
    assert documents.decoded("{broken") == "{broken"


def test_a_trigger_that_cannot_be_read_has_no_zone():
    schedule = Schedule(id="s", job="resize", trigger='{"moon":"full"}', created_at=NINE)

    assert documents.schedule(schedule)["tz"] is None
    assert documents.schedule(schedule)["trigger"] == {"moon": "full"}


def test_every_attempt_is_in_the_timeline():
    assert [each["outcome"] for each in documents.run(RUN, NINE)["timeline"]] == ["lost", "failed"]


def test_a_queue_tells_its_depth_and_bounds():
    limit = Limit(id="queue/mail", running=4, starts=100, per=60 * SECOND)

    assert documents.queue("mail", limit, waiting=3, running=1) == {
        "name": "mail",
        "waiting": 3,
        "running": 1,
        "concurrency": 4,
        "starts": 100,
        "per_seconds": 60,
        "paused": None,
    }
    assert documents.queue("mail", None, waiting=3, running=1)["concurrency"] is None


def test_workers_and_lines_are_documents_too():
    assert documents.worker(Worker(id="w", seen_at=NINE), alive=True)["seen_at"] == documents.time(NINE)
    assert documents.line(Line(at=NINE, level="info", text="hi", n=3)) == {
        "n": 3,
        "at": documents.time(NINE),
        "level": "info",
        "text": "hi",
        "fields": {},
    }
