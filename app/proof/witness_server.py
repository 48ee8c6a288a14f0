"""The HTTP side of a witness: C2SP's routes, and whether it lives and is ready.

A bare ASGI application: it has four routes, and nobody signs in.
"""

import asyncio
import logging
import re
import sqlite3
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any, TypeAlias

from msgspec import Struct

from app.proof.witness import Witness
from app.proof.witness_request import MAX_BODY_BYTES, WitnessRefusal

_LOG = logging.getLogger("sessionary.witness")
_BODY_S = 10.0
"""Seconds for a whole body."""
_MAX_WAITING = 64
"""Requests that are worked on, or wait for it: each may take a write to the disk."""
_RETRY_S = b"1"
_TEXT = "text/plain; charset=utf-8"
_NOTE = re.compile(r"/([0-9a-f]{64})/checkpoint")
_READS = frozenset({"GET", "HEAD"})

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class _Answer(Struct, frozen=True):
    status: HTTPStatus
    text: str
    content_type: str = _TEXT
    headers: tuple[tuple[bytes, bytes], ...] = ()


class _Gone(Exception):
    """The caller has hung up."""


class _Refused(Exception):
    """A body is not read to its end."""

    def __init__(self, status: HTTPStatus, sentence: str) -> None:
        # The rest of the body would be taken for the next request.
        self.answer = _Answer(status, f"{sentence}\n", headers=((b"connection", b"close"),))


class WitnessServer:
    """Answers for a witness, whose work is done by one thread: the disk is waited for there."""

    def __init__(self, witness: Witness) -> None:
        """Nothing is open yet that has to be closed."""
        self._witness = witness
        self._thread = ThreadPoolExecutor(1, "witness")
        self._waiting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return
        try:
            answer = await self._answer(scope, receive)
        except _Refused as refused:
            answer = refused.answer
        except _Gone:
            return
        except Exception:
            _LOG.exception("A request has failed")
            answer = _Answer(HTTPStatus.INTERNAL_SERVER_ERROR, "A fault of the witness\n")
        body = answer.text.encode()
        headers = [
            (b"content-type", answer.content_type.encode()),
            (b"content-length", b"%d" % len(body)),
            (b"x-content-type-options", b"nosniff"),
            (b"cache-control", b"no-store"),
            *answer.headers,
        ]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        shown = b"" if scope["method"] == "HEAD" else body
        await send({"type": "http.response.body", "body": shown})

    async def _answer(self, scope: Scope, receive: Receive) -> _Answer:
        path, verb = scope["path"], scope["method"]
        if path == "/add-checkpoint":
            if verb != "POST":
                return _wrong_verb("POST")
            body = await _body(scope, receive)
            return await self._worked(lambda: self._added(body))
        note = _NOTE.fullmatch(path)
        if note is None and path not in ("/health/live", "/health/ready"):
            return _Answer(HTTPStatus.NOT_FOUND, "There is nothing here\n")
        if verb not in _READS:
            return _wrong_verb("GET, HEAD")
        if note is not None:
            return await self._worked(lambda: self._kept(note[1]))
        if path == "/health/live":
            return _Answer(HTTPStatus.OK, "live\n")
        return await self._worked(self._ready)

    async def _worked(self, work: Callable[[], _Answer]) -> _Answer:
        """What some work answers, done after all that came before it."""
        if self._waiting >= _MAX_WAITING:
            return _later("Too many requests wait")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except sqlite3.Error as error:
            _LOG.error("The state of the witness cannot be kept: %s", error)
            return _later("The witness cannot keep its state")
        finally:
            self._waiting -= 1

    def _added(self, body: bytes) -> _Answer:
        try:
            return _Answer(HTTPStatus.OK, self._witness.add_checkpoint(body))
        except WitnessRefusal as refusal:
            return _Answer(refusal.status, f"{refusal}\n", refusal.content_type)

    def _kept(self, origin_hash: str) -> _Answer:
        note = self._witness.note(origin_hash)
        if note is None:
            return _Answer(HTTPStatus.NOT_FOUND, "No checkpoint of this log was cosigned\n")
        return _Answer(HTTPStatus.OK, note)

    def _ready(self) -> _Answer:
        self._witness.require_memory()
        return _Answer(HTTPStatus.OK, "ready\n")


def _wrong_verb(allowed: str) -> _Answer:
    headers = ((b"allow", allowed.encode()),)
    return _Answer(HTTPStatus.METHOD_NOT_ALLOWED, f"Only {allowed}\n", headers=headers)


def _later(sentence: str) -> _Answer:
    headers = ((b"retry-after", _RETRY_S),)
    return _Answer(HTTPStatus.SERVICE_UNAVAILABLE, f"{sentence}\n", headers=headers)


async def _body(scope: Scope, receive: Receive) -> bytes:
    """A request's body. Raises _Refused, or _Gone."""
    parts: list[bytes] = []
    left = MAX_BODY_BYTES
    try:
        async with asyncio.timeout(_BODY_S):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise _Gone
                parts.append(message.get("body", b""))
                left -= len(parts[-1])
                if left < 0:
                    raise _Refused(
                        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                        f"A body has at most {MAX_BODY_BYTES} bytes",
                    )
                if not message.get("more_body"):
                    return b"".join(parts)
    except TimeoutError as error:
        sentence = f"The body did not come within {_BODY_S:g} s"
        raise _Refused(HTTPStatus.REQUEST_TIMEOUT, sentence) from error
