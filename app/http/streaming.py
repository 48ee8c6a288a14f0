"""Sends a body that has no end yet, to a client that may go, or stop reading."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from litestar.types import Receive, Send

UNREAD_S = 30.0
"""Seconds for which a client may leave a part unread; then it counts as gone."""


async def send_parts(parts: AsyncGenerator[bytes, None], receive: "Receive", send: "Send") -> bool:
    """Send the parts as they come, until there are no more or the client is gone.

    Returns whether the client may still read the end of the body.
    """
    gone = asyncio.create_task(_disconnected(receive))
    try:
        while (part := await _next(parts, gone)) is not None:
            message: Any = {"type": "http.response.body", "body": part, "more_body": True}
            async with asyncio.timeout(UNREAD_S):
                await send(message)
        return not gone.done()
    except TimeoutError:
        return False
    finally:
        gone.cancel()
        await parts.aclose()


async def _next(parts: AsyncGenerator[bytes, None], gone: "asyncio.Task[None]") -> bytes | None:
    """The next part; None at the end, or when the client is gone."""
    coming = asyncio.create_task(_one_of(parts))
    tasks: set[asyncio.Task[Any]] = {coming, gone}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return await coming if coming.done() and not gone.done() else None
    finally:
        if not coming.done():
            coming.cancel()
            with suppress(asyncio.CancelledError):
                await coming


async def _one_of(parts: AsyncGenerator[bytes, None]) -> bytes | None:
    return await anext(parts, None)


async def _disconnected(receive: "Receive") -> None:
    message: Any = await receive()
    while message["type"] != "http.disconnect":
        message = await receive()
