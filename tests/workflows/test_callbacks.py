"""Webhooks: signed, tried again, given up; over a real connection."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from foliot.model import Run, State
from foliot.scheduler import Scheduler
from foliot.testing import simulated
from foliot.workflows.building import Workflow, workflow
from foliot.workflows.callbacks import signature


class Hook:
    """A web server on this machine that answers as it is told, and keeps what it was sent."""

    def __init__(self, *answers: tuple[int, bytes]) -> None:
        self.answers, self.requests = list(answers), list[tuple[dict[str, str], bytes]]()

    def answer(self, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        self.requests.append((headers, body))
        return self.answers[min(len(self.requests), len(self.answers)) - 1]


@contextmanager
def listening(hook: Hook) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, answer = hook.answer({name.lower(): each for name, each in self.headers.items()}, body)
            self.send_response(status)
            self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook?shop=1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def called(made: Workflow) -> tuple[Run, dict[str, Run]]:
    scheduler = Scheduler("memory://")
    scheduler.include(made)
    async with simulated(scheduler) as time:
        handle = await made.enqueue()
        await time.advance("1d")
        return await handle.status(), await scheduler.workflows.nodes(handle.id)


async def total() -> dict[str, int]:
    return {"total": 3}


async def test_the_context_is_posted_and_signed_and_the_answer_is_the_result(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOOK_SECRET", "s3cret")
    hook = Hook((201, b'{"accepted": true}'))
    with listening(hook) as url:
        made = workflow("order", version=4)
        made.callback("tell", url, after=made.node(total), secret_from="HOOK_SECRET", headers={"X-Shop": "acme"})
        run, _ = await called(made)

    [(headers, body)] = hook.requests
    assert json.loads(body) == {
        "workflow": "order",
        "version": 4,
        "node": "tell",
        "run": run.id,
        "data": {"total": {"total": 3}},
    }
    assert headers["foliot-signature"] == signature("s3cret", headers["foliot-timestamp"], body)
    assert (headers["x-shop"], headers["content-type"]) == ("acme", "application/json")
    assert headers["idempotency-key"] == f"{run.id}.tell"
    assert json.loads(run.result or "") == {"status": 201, "answer": {"accepted": True}}


async def test_only_what_is_taken_is_posted_and_an_answer_may_be_text_or_nothing():
    for said, answer in ((b"thanks", "thanks"), (b"", None)):
        hook = Hook((200, said))
        with listening(hook) as url:
            made = workflow("order")
            made.callback("tell", url, after=made.node(total, "sum"), take={"amount": "total * 2"})
            run, _ = await called(made)

        [(headers, body)] = hook.requests
        assert json.loads(body)["data"] == {"amount": 6}
        assert "foliot-signature" not in headers
        assert json.loads(run.result or "")["answer"] == answer


async def test_a_webhook_that_fails_is_tried_again_under_the_same_key():
    hook = Hook((500, b"busy"), (429, b"slowly"), (302, b""), (200, b"1"))
    with listening(hook) as url:
        made = workflow("order")
        made.callback("tell", url)
        run, nodes = await called(made)

    assert len({headers["idempotency-key"] for headers, _ in hook.requests}) == 1
    assert (len(hook.requests), run.state, nodes["tell"].failures) == (4, State.SUCCEEDED, 3)


async def test_a_webhook_that_refuses_is_not_tried_again():
    hook = Hook((422, b"no such order"))
    with listening(hook) as url:
        made = workflow("order")
        made.callback("tell", url)
        run, nodes = await called(made)

    assert (len(hook.requests), run.state) == (1, State.FAILED)
    assert nodes["tell"].error is not None
    assert nodes["tell"].error.kind == "CallbackRefused"
    assert "answered 422: no such order" in nodes["tell"].error.message


async def test_a_webhook_that_never_answers_times_out_and_the_workflow_goes_on_as_it_says():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        made = workflow("order")
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        tell = made.callback("tell", url, timeout="100ms", retries=1, on_failure="skip")
        made.node(total, after=tell)
        run, nodes = await called(made)

    assert nodes["tell"].state is State.FAILED
    assert nodes["tell"].error is not None
    assert nodes["tell"].error.message.endswith("did not answer within 0.1 seconds")
    assert nodes["tell"].failures == 2
    assert (run.state, run.result) == (State.SUCCEEDED, '{"total":3}')


async def test_a_webhook_that_nobody_listens_to_or_without_its_secret_fails_with_the_reason():
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    made = workflow("order")
    made.callback("tell", f"http://127.0.0.1:{port}", retries=0)
    made.callback("sign", f"http://127.0.0.1:{port}", retries=0, secret_from="NOT_THERE")
    _, nodes = await called(made)

    errors = {name: run.error.message for name, run in nodes.items() if run.error is not None}
    assert "cannot be called" in errors["tell"]
    assert errors["sign"] == "no secret to sign with: set the environment variable NOT_THERE"
