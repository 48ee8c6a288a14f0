"""Many callers over sockets of their own: `python -m support.flood PORT CALLERS PAUSE_S SECONDS`.

In a process of its own, for a test that does the same would measure itself. It prints what the
callers were told, as JSON.
"""

import asyncio
import base64
import json
import random
import re
import sys
import time
from pathlib import Path
from statistics import median

import msgspec
from msgspec import Struct

from support.patience import patient
from support.service_process import ADMIN

ENDS_S = 30.0
"""For the answers to what was sent last."""
IDLE_S = 3.0
"""A connection that was idle for longer may be closed: after 5 s, by the service's clock."""
_TESTS = Path(__file__).parents[1]
_LOGIN = base64.b64encode(":".join(ADMIN).encode()).decode()
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)
_LATER = re.compile(rb"\r\nretry-after: \d+\r\n", re.IGNORECASE)
_CONNECTED_AT_ONCE = 100


class Told(Struct, frozen=True):
    """What callers were told, of all that they asked."""

    seconds: float
    """From the first request to the last command that was answered."""
    done: int
    """Commands."""
    done_s: float
    """For which a caller waited, for half of the commands at most."""
    refused: int
    refused_s: float
    """For which a caller waited, for half of the refusals at most."""
    slowest_refusal_s: float
    refused_wrongly: list[str]
    """Refusals that are no 503 or 429 with Retry-After."""
    lost: int
    """Connections that broke before an answer, though they were not idle for long."""

    @property
    def rate(self) -> float:
        """Commands that were answered in a second."""
        return self.done / self.seconds


async def flood(port: int, callers: int, pause_s: float, seconds: float) -> Told:
    """So many callers create sessions; each pauses for so long before each request."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "support.flood", str(port), str(callers), str(pause_s), str(seconds),
        cwd=_TESTS, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, _ = await process.communicate()
    assert process.returncode == 0
    return msgspec.json.decode(said, type=Told)


class _Caller(asyncio.Protocol):
    """One connection; it asks again and again until it is told to stop."""

    def __init__(self, request: bytes, pause_s: float) -> None:
        self._request, self._pause_s = request, pause_s
        self._begun = b""
        self._asks_on, self._waits = True, False
        self._since = self._idle_since = time.monotonic()
        self.ended = asyncio.get_running_loop().create_future()
        self.done: list[tuple[float, float]] = []
        """When each command was answered, and after how many seconds."""
        self.refused: list[float] = []
        """After how many seconds each other one was."""
        self.wrong: list[str] = []
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def begin(self) -> None:
        """Ask for the first time, some time within the pause, so that not all do so at once."""
        asyncio.get_running_loop().call_later(random.random() * self._pause_s, self._ask)

    def stop(self) -> None:
        """Ask no more; what was asked is still answered."""
        self._asks_on = False
        if not self._waits:
            self._transport.close()

    def _ask(self) -> None:
        if self._asks_on:
            self._waits, self._since = True, time.monotonic()
            self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._begun += data
        head, ends, body = self._begun.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not ends or length is None or len(body) < int(length[1]):
            return
        self._begun, self._waits = b"", False
        self._take(head + b"\r\n")
        if self._asks_on:
            asyncio.get_running_loop().call_later(self._pause_s, self._ask)
        else:
            self._transport.close()

    def _take(self, head: bytes) -> None:
        status = int(head.split(b" ", 2)[1])
        self._idle_since = now = time.monotonic()
        if status == 200:
            self.done.append((now, now - self._since))
            return
        self.refused.append(now - self._since)
        if status not in (429, 503) or not _LATER.search(head):
            self.wrong.append(head.decode())

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = self._waits and self._since - self._idle_since < IDLE_S
        self._asks_on = False
        if not self.ended.done():
            self.ended.set_result(None)


async def _main(port: int, callers: int, pause_s: float, seconds: float) -> Told:
    made = await _connected(port, callers, pause_s)
    begun = time.monotonic()
    for caller in made:
        caller.begin()
    await asyncio.sleep(seconds)
    for caller in made:
        caller.stop()
    async with asyncio.timeout(patient(ENDS_S)):
        await asyncio.gather(*(caller.ended for caller in made))
    done = [each for caller in made for each in caller.done]
    refused = [each for caller in made for each in caller.refused]
    return Told(
        seconds=max((moment for moment, _ in done), default=time.monotonic()) - begun,
        done=len(done),
        done_s=median(each for _, each in done) if done else 0.0,
        refused=len(refused),
        refused_s=median(refused) if refused else 0.0,
        slowest_refusal_s=max(refused, default=0.0),
        refused_wrongly=[head for caller in made for head in caller.wrong][:10],
        lost=sum(caller.lost for caller in made),
    )


async def _connected(port: int, callers: int, pause_s: float) -> list[_Caller]:
    body = json.dumps({"purpose": "flood"})
    request = (
        f"POST /ai/sessions HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Basic {_LOGIN}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()
    loop, made = asyncio.get_running_loop(), list[_Caller]()
    for nth in range(0, callers, _CONNECTED_AT_ONCE):
        connecting = [
            loop.create_connection(lambda: _Caller(request, pause_s), "127.0.0.1", port)
            for _ in range(min(_CONNECTED_AT_ONCE, callers - nth))
        ]
        made += [caller for _, caller in await asyncio.gather(*connecting)]
    return made


if __name__ == "__main__":
    _port, _callers, *_times = sys.argv[1:]
    _told = asyncio.run(_main(int(_port), int(_callers), *map(float, _times)))
    sys.stdout.buffer.write(msgspec.json.encode(_told))
