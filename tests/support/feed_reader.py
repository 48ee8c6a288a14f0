"""A reader of the feed that goes on at its cursor whatever happens, and keeps what it got."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import httpx
from msgspec import json

from support.patience import patient
from support.service_process import ADMIN

PAGE = 50
ALL_READ_S = 30.0


class FeedReader:
    """Reads a log, page by page."""

    def __init__(self, base_url: str) -> None:
        """Has read nothing so far."""
        self._base_url = base_url
        self.cursor: dict[str, int] = {"0": 0}
        self.positions: list[tuple[int, int]] = []

    async def keep_reading(self) -> None:
        """Until cancelled."""
        async with self._client() as client:
            while True:
                if not await self._read(client):
                    await asyncio.sleep(0.05)

    async def owed(self, places: Iterable[tuple[int, int]]) -> list[str]:
        """What it should have got of a log of these partitions and positions, or got twice."""
        deadline = time.monotonic() + patient(ALL_READ_S)
        async with self._client() as client:
            while await self._read(client) != 0:
                assert time.monotonic() < deadline, "the feed does not end"
        got = set(self.positions)
        found = [f"the feed has skipped {place}" for place in places if place not in got]
        if len(got) < len(self.positions):
            found.append("the feed has doubled an event")
        return found

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self._base_url, auth=ADMIN, timeout=patient(60.0))

    async def _read(self, client: httpx.AsyncClient) -> int | None:
        """Take a page: the number of its events; None: there was no answer."""
        try:
            after = ",".join(f"{partition}:{at}" for partition, at in self.cursor.items())
            answer = await client.get(f"/audit/feed?after={after}&limit={PAGE}")
        except httpx.TransportError:
            return None
        if answer.status_code != httpx.codes.OK:
            assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE, answer.text
            return None
        *events, last = map(json.decode, answer.content.splitlines())
        self.positions += [(event["partition"], event["position"]) for event in events]
        self.cursor = last["next"]
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
