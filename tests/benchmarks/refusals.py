"""How long a refused caller waits, in a process that the load beside it does not starve.

`python -m benchmarks.refusals BASE_URL IDS_FILE SECONDS` prints what it saw, as JSON. It asks for
the real-time scheduler, by which it runs as soon as an answer is there, and it measures how late it
is woken all the same: so much of the times may be its own.
"""

import asyncio
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from .credentials import AUTHORIZATION
from .measure import BenchmarkFailed

CALLERS = 16
_PAUSE_S = 0.05
"""Of each caller before a request: few enough to be no load of their own."""
_TICK_S = 0.005
_TESTS = Path(__file__).parents[1]
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)
_REFUSED = (b"503", b"429")


class Waits(Struct, frozen=True):
    """What the callers waited for; milliseconds."""

    refusals: list[float]
    """From the moment when a request is written whole to the first byte of its refusal."""
    late: list[float]
    """How late the process was woken by its own clock."""


def refusals(base_url: str, ids_file: Path, seconds: float) -> Waits:
    """Change sessions for some time, and see how long refusals take. Raises BenchmarkFailed."""
    given = (base_url, str(ids_file), str(seconds))
    said = subprocess.run(  # our own program
        [sys.executable, "-m", "benchmarks.refusals", *given],
        cwd=_TESTS, capture_output=True, check=False,
    )  # fmt: skip
    if said.returncode != 0:
        raise BenchmarkFailed(f"the callers who are refused failed: {said.stderr.decode()}")
    return msgspec.json.decode(said.stdout, type=Waits)


def at(part: float, waits: Sequence[float]) -> float:
    """The wait that so large a part of them does not exceed; 1: the longest."""
    return sorted(waits)[max(0, round(part * len(waits)) - 1)]


class _Caller(asyncio.Protocol):
    """One connection, which asks again some time after each answer."""

    def __init__(self, requests: Sequence[bytes], refused_ms: list[float]) -> None:
        self._requests, self._refused_ms = requests, refused_ms
        self._answer = b""
        self._since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._pause()

    def _pause(self) -> None:
        asyncio.get_running_loop().call_later(2 * random.random() * _PAUSE_S, self._ask)

    def _ask(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(random.choice(self._requests))  # at once: it fits the socket
            self._since = time.perf_counter()

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        if not self._answer and data[9:12] in _REFUSED:
            self._refused_ms.append((now - self._since) * 1000)
        self._answer += data
        head, ends, body = self._answer.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if ends and length is not None and len(body) >= int(length[1]):
            self._answer = b""
            self._pause()


async def _main(base_url: str, ids_file: Path, seconds: float) -> Waits:
    place, waits = urlsplit(base_url), Waits([], [])
    host, port = place.hostname, place.port
    assert host is not None  # it is ours
    assert port is not None
    requests = [_request(place.netloc, each) for each in ids_file.read_text().split()]
    loop = asyncio.get_running_loop()
    callers = [
        await loop.create_connection(lambda: _Caller(requests, waits.refusals), host, port)
        for _ in range(CALLERS)
    ]
    end = time.perf_counter() + seconds
    while (before := time.perf_counter()) < end:
        await asyncio.sleep(_TICK_S)
        waits.late.append((time.perf_counter() - before - _TICK_S) * 1000)
    for transport, _ in callers:
        transport.abort()
    return waits


def _request(host: str, session: str) -> bytes:
    body = '{"purpose": "refused"}'
    return (
        f"PATCH /ai/sessions/{session} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {AUTHORIZATION}"
        "\r\nAccept: application/json\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


if __name__ == "__main__":
    _base_url, _ids_file, _seconds = sys.argv[1:]
    with suppress(PermissionError):  # then `late` says more
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    _waits = asyncio.run(_main(_base_url, Path(_ids_file), float(_seconds)))
    sys.stdout.buffer.write(msgspec.json.encode(_waits))
