"""What is read of a stream of very many events."""

import asyncio
import gc
import os
import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from app.commands.repository import Repository
from app.database.pool import Pool
from app.service import Service
from domain.ids import AISessionId, StreamId

DEEP = int(os.environ.get("TEST_DEEP_EVENTS", "10000"))
"""What a stream has; many more take minutes."""


class Statements:
    """Counts what a pool is asked, and the most rows that it was answered."""

    def __init__(self, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self.rows = 0
        self._fetch = pool.fetch
        monkeypatch.setattr(pool, "fetch", self._counted)

    async def _counted(
        self, sql: str, *arguments: object, timeout_s: float | None = None
    ) -> Sequence[asyncpg.Record]:
        self.count += 1
        rows = await self._fetch(sql, *arguments, timeout_s=timeout_s)
        self.rows = max(self.rows, len(rows))
        return rows


async def longest_turn(work: asyncio.Task[Any]) -> tuple[float, float]:
    """The most that the loop computed in one go while some work went on, and all that it did."""
    gc.collect()
    gc.disable()  # what other tests left takes it longer than a slice
    try:
        began = last = time.thread_time()
        longest = 0.0
        while not work.done():
            await asyncio.sleep(0)
            now = time.thread_time()
            longest, last = max(longest, now - last), now
        return longest, last - began
    finally:
        gc.enable()


def stream_of(session: AISessionId) -> StreamId:
    return StreamId(UUID(session))


def aggregates(service: Service) -> Repository:
    """What a worker knows that has just started."""
    return Repository(service.log, service.settings)
