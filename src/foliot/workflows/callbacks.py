"""Webhooks: a POST of JSON to a URL, signed, that ends in an answer, a refusal, or another try."""

from __future__ import annotations

import hmac
import os
from contextlib import closing
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import msgspec

from foliot.codec import dumps
from foliot.context import Context
from foliot.errors import FoliotError, WorkflowError
from foliot.moments import SECOND
from foliot.workflows.works import Callback

LONGEST_ANSWER = 64 * 1024
"""How many bytes of an answer are kept."""
PATIENCE = 30.0
"""How many seconds to wait for each part of an answer, at most."""


class CallbackFailed(FoliotError):
    """A webhook did not answer, or not with success; trying again may help."""


class CallbackRefused(CallbackFailed):
    """A webhook says that the request itself is wrong; trying again does not help."""


def check_url(url: str, where: str) -> str:
    """The URL, if one can POST to it. Raises WorkflowError."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise WorkflowError(f"{where}: {url!r} is no address to call; write it like 'https://shop.example/hooks/order'")
    if parts.username or parts.password:
        raise WorkflowError(f"{where}: the URL holds a password, which would be kept and shown; use secret_from=...")
    return url


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """What the header ``Foliot-Signature`` says: HMAC-SHA256 of timestamp, dot and body, in hexadecimal.

    A receiver computes it from the header ``Foliot-Timestamp`` and the body as it came, compares with
    ``hmac.compare_digest``, and refuses old timestamps.
    """
    return "sha256=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, sha256).hexdigest()


def post(
    ctx: Context, data: dict[str, Any], *, work: Callback, workflow: str, version: int, node: str
) -> dict[str, Any]:
    """POST the data, and tell what was answered. Raises CallbackFailed, CallbackRefused."""
    run = ctx.run.parent or ctx.run_id
    body = dumps({"workflow": workflow, "version": version, "node": node, "run": run, "data": data}).encode()
    timestamp = str(ctx.clock.now() // SECOND)
    headers = {
        **work.headers,
        "Content-Type": "application/json",
        "Idempotency-Key": ctx.idempotency_key,
        "Foliot-Timestamp": timestamp,
    }
    if work.secret_from is not None:
        headers["Foliot-Signature"] = signature(_secret(work.secret_from), timestamp, body)
    status, answer = _answered(work.url, body, headers, _left(ctx))
    return {"status": _accepted(work.url, status, answer), "answer": _read(answer)}


def _secret(variable: str) -> str:
    secret = os.environ.get(variable)
    if not secret:
        raise CallbackFailed(f"no secret to sign with: set the environment variable {variable}")
    return secret


def _left(ctx: Context) -> float:
    if ctx.times_out_at is None:
        return PATIENCE
    return max(0.001, min(PATIENCE, (ctx.times_out_at - ctx.clock.now()) / SECOND))


def _answered(url: str, body: bytes, headers: dict[str, str], patience: float) -> tuple[int, bytes]:
    from http.client import HTTPConnection, HTTPException, HTTPSConnection

    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        with closing(kind(parts.hostname or "", parts.port, timeout=patience)) as connection:
            connection.request("POST", target, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read(LONGEST_ANSWER)
    except TimeoutError:
        raise CallbackFailed(f"{url} did not answer within {patience:g} seconds") from None
    except (OSError, HTTPException) as problem:
        raise CallbackFailed(f"{url} cannot be called: {problem or type(problem).__name__}") from None


def _accepted(url: str, status: int, answer: bytes) -> int:
    if 200 <= status < 300:
        return status
    said = f"{url} answered {status}: {answer[:200].decode(errors='replace')}"
    if 400 <= status < 500 and status not in (408, 425, 429):
        raise CallbackRefused(said)
    raise CallbackFailed(said)


def _read(answer: bytes) -> Any:
    """The answer as JSON, or as text."""
    try:
        return msgspec.json.decode(answer) if answer else None
    except msgspec.DecodeError:
        return answer.decode(errors="replace")
