"""A client of an endless answer, without a socket: reads parts, and goes away when it likes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
from msgspec import Struct


class ServerSentEvent(Struct, frozen=True):
    """One event of a stream."""

    id: str
    event: str
    data: str


def events_in(text: str) -> tuple[list[ServerSentEvent], str]:
    """The whole events in a text, and the rest."""
    *blocks, rest = text.split("\n\n")
    found = []
    for block in blocks:
        lines = [line.partition(": ")[::2] for line in block.split("\n")]
        fields = dict(lines)
        if "data" in fields:
            found.append(ServerSentEvent(fields["id"], fields["event"], fields["data"]))
    return found, rest


@asynccontextmanager
async def streaming(
    client: httpx.AsyncClient, path: str, headers: dict[str, str]
) -> AsyncIterator[AsyncIterator[bytes]]:
    """The parts of an answer as they come; leaving means that the client is gone."""
    transport: Any = client._transport
    request = client.build_request("GET", path, headers=headers)
    auth: Any = client.auth
    request = next(auth.auth_flow(request))
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "scheme": "http", "path": request.url.path, "raw_path": request.url.raw_path,
        "query_string": request.url.query, "server": ("test", 80), "client": ("127.0.0.1", 1),
        "root_path": "",
    }  # fmt: skip
    parts: asyncio.Queue[bytes] = asyncio.Queue(maxsize=1)
    gone = asyncio.Event()
    asked = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> dict[str, Any]:
        if asked:
            return asked.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            assert message["status"] == 200
        elif not gone.is_set():
            await parts.put(message["body"])

    async def read() -> AsyncIterator[bytes]:
        while True:
            yield await parts.get()

    serving = asyncio.create_task(transport.app(scope, receive, send))
    try:
        yield read()
    finally:
        gone.set()
        while not serving.done():
            with suppress(asyncio.QueueEmpty):
                parts.get_nowait()
            await asyncio.sleep(0)
        await serving
