"""A proxy before PostgreSQL that knows where messages end, and cuts before any one of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from support.proxy import Proxy

_LENGTH_BYTES = 4


class MessageProxy(Proxy):
    """Counts messages in both directions, over all connections."""

    def __init__(self, upstream_url: str, port: int) -> None:
        """Use `message_proxy`."""
        super().__init__(upstream_url, port)
        self._before: int | None = None
        self._lasting = False
        self.passed = 0
        """Messages since `cut_before`."""
        self.cuts = 0

    @property
    def url(self) -> str:
        """The database through the proxy; its first message is the one that a login sends."""
        return f"{super().url}?sslmode=disable"

    def cut_before(self, number: int, *, lasting: bool = False) -> None:
        """Cut the connection of the message with this number, from 1 on, instead of passing it.

        `lasting`: cut every connection of a later one, too, until `pass_all`.
        """
        self._before, self._lasting = number, lasting
        self.passed = self.cuts = 0

    def pass_all(self) -> None:
        """Cut nothing more."""
        self._before = None

    async def _pass_requests(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        doomed: asyncio.Event,
        mute: asyncio.Event,
    ) -> None:
        length = await reader.readexactly(_LENGTH_BYTES)  # a login has no type before its length
        if await self._passes(await _rest(reader, length), writer):
            await self._pass_replies(reader, writer, doomed, mute)

    async def _pass_replies(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        doomed: asyncio.Event,
        mute: asyncio.Event,
    ) -> None:
        while kind := await reader.read(1):
            length = await reader.readexactly(_LENGTH_BYTES)
            if not await self._passes(kind + await _rest(reader, length), writer):
                return

    async def _passes(self, message: bytes, writer: asyncio.StreamWriter) -> bool:
        """Pass a message on, unless it is the one before which to cut."""
        self.passed += 1
        if self._before is not None and self.passed >= self._before:
            self.cuts += 1
            if not self._lasting:
                self._before = None
            return False
        writer.write(message)
        await writer.drain()
        return True


async def _rest(reader: asyncio.StreamReader, length: bytes) -> bytes:
    """A message from its length on."""
    return length + await reader.readexactly(int.from_bytes(length) - _LENGTH_BYTES)


@asynccontextmanager
async def message_proxy(upstream_url: str, port: int) -> AsyncIterator[MessageProxy]:
    """A proxy that passes everything on, for as long as the block lasts."""
    between = MessageProxy(upstream_url, port)
    await between.accept()
    try:
        yield between
    finally:
        await between.refuse()
