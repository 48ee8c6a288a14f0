"""A reader of the feed that goes on at its cursor whatever happens, and keeps what it got."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from msgspec import json

from support.patience import patient
from support.service_process import ADMIN

PAGE = 50
ALL_READ_S = 30.0


class FeedReader:
    """Reads a log of one partition, page by page."""

    def __init__(self, base_url: str) -> None:
        """Has read nothing so far."""
        self._base_url = base_url
        self.cursor = 0
        self.positions: list[int] = []

    async def keep_reading(self) -> None:
        """Until cancelled."""
        async with self._client() as client:
            while True:
                if not await self._read(client):
                    await asyncio.sleep(0.05)

    async def owed(self, count: int) -> list[str]:
        """What it should have got of a log of so many events, or got once too often."""
        deadline = time.monotonic() + patient(ALL_READ_S)
        async with self._client() as client:
            while await self._read(client) != 0:
                assert time.monotonic() < deadline, "the feed does not end"
        got = set(self.positions)
        found = [f"the feed has skipped {at}" for at in range(1, count + 1) if at not in got]
        if len(got) < len(self.positions):
            found.append("the feed has doubled an event")
        return found

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self._base_url, auth=ADMIN, timeout=patient(60.0))

    async def _read(self, client: httpx.AsyncClient) -> int | None:
        """Take a page: the number of its events; None: there was no answer."""
        try:
            answer = await client.get(f"/audit/feed?after=0:{self.cursor}&limit={PAGE}")
        except httpx.TransportError:
            return None
        if answer.status_code != httpx.codes.OK:
            assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE, answer.text
            return None
        *events, last = map(json.decode, answer.content.splitlines())
        self.positions += [event["position"] for event in events]
        self.cursor = last["next"]["0"]
        return len(events)


@asynccontextmanager
async def feed_reader(base_url: str) -> AsyncIterator[FeedReader]:
    """One that reads for as long as the block lasts."""
    reader = FeedReader(base_url)
    reading = asyncio.create_task(reader.keep_reading())
    try:
        yield reader
    finally:
        reading.cancel()
        (end,) = await asyncio.gather(reading, return_exceptions=True)
    assert isinstance(end, asyncio.CancelledError), end
