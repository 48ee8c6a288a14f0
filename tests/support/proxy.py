"""A TCP proxy before PostgreSQL that refuses, cuts, falls silent, or swallows a single reply."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit, urlunsplit

_READ_BYTES = 65_536


class Proxy:
    """Passes bytes on, unless told otherwise."""

    def __init__(self, upstream_url: str, port: int) -> None:
        """Use `proxy`."""
        self._upstream_url = upstream_url
        self._port = port
        self._listener: asyncio.Server | None = None
        self._pairs: set[asyncio.Task[None]] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._swallow: bytes | None = None
        self._swallow_for_ever = False
        self._lose: bytes | None = None
        self.swallowed = 0
        self.held = asyncio.Event()
        """Set when a request waits in a proxy that fell silent."""

    @property
    def url(self) -> str:
        """The database through the proxy."""
        parts = urlsplit(self._upstream_url)
        user = parts.netloc.rpartition("@")[0] or "sessionary"
        return urlunsplit(parts._replace(netloc=f"{user}@127.0.0.1:{self._port}", query=""))

    async def accept(self) -> None:
        """Take connections, from now or again."""
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", self._port)

    async def refuse(self) -> None:
        """Take no connections, and drop those there are."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        await self.cut()

    async def cut(self) -> None:
        """Drop all connections, in whatever they are."""
        for pair in list(self._pairs):
            pair.cancel()
        await asyncio.gather(*self._pairs, return_exceptions=True)

    def fall_silent(self) -> None:
        """Keep all connections, and take new ones, but pass nothing on."""
        self._flowing.clear()
        self.held.clear()

    def speak_again(self) -> None:
        """Pass on what waited."""
        self._flowing.set()

    def swallow_reply(self, marker: bytes, *, for_ever: bool = False) -> None:
        """Pass a request that holds `marker` on, and cut the connection instead of its reply."""
        self._swallow, self._swallow_for_ever = marker, for_ever
        self.swallowed = 0

    def swallow_nothing(self) -> None:
        """Pass every reply on."""
        self._swallow = None

    def lose_replies(self, marker: bytes) -> None:
        """Pass requests that hold `marker` on, and nothing back on their connections ever after."""
        self._lose = marker

    def lose_nothing_more(self) -> None:
        """Let new connections be well; those that lost a reply stay as they are."""
        self._lose = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._pairs.add(task)
        try:
            await self._join(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._pairs.discard(task)
            writer.transport.abort()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await self._connect()
        doomed, mute = asyncio.Event(), asyncio.Event()
        ways = [
            asyncio.create_task(self._pass_requests(reader, server_writer, doomed, mute)),
            asyncio.create_task(self._pass_replies(server_reader, writer, doomed, mute)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            server_writer.transport.abort()  # now: whoever cuts may cancel what follows
            await asyncio.gather(*ways, return_exceptions=True)

    async def _pass_requests(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        doomed: asyncio.Event,
        mute: asyncio.Event,
    ) -> None:
        while data := await reader.read(_READ_BYTES):
            if not self._flowing.is_set():
                self.held.set()
            await self._flowing.wait()
            if self._swallow is not None and self._swallow in data:
                doomed.set()
                self.swallowed += 1
                if not self._swallow_for_ever:
                    self._swallow = None
            if self._lose is not None and self._lose in data:
                mute.set()
            writer.write(data)
            await writer.drain()

    async def _pass_replies(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        doomed: asyncio.Event,
        mute: asyncio.Event,
    ) -> None:
        while data := await reader.read(_READ_BYTES):
            await self._flowing.wait()
            if doomed.is_set():
                return  # the reply is here, so the statement and its commit are through
            if mute.is_set():
                continue
            writer.write(data)
            await writer.drain()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        parts = urlsplit(self._upstream_url)
        folder = parse_qs(parts.query).get("host", [""])[0]
        if folder.startswith("/"):
            port = parse_qs(parts.query).get("port", ["5432"])[0]
            return await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.{port}")
        return await asyncio.open_connection(parts.hostname, parts.port or 5432)


@asynccontextmanager
async def proxy(upstream_url: str, port: int) -> AsyncIterator[Proxy]:
    """A proxy that passes everything on, for as long as the block lasts."""
    between = Proxy(upstream_url, port)
    await between.accept()
    try:
        yield between
    finally:
        between.speak_again()
        await between.refuse()
