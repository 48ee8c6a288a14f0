"""Readers of the feed that are killed anywhere, while others write: nothing is lost or doubled."""

import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from random import Random
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from msgspec import json
from msgspec.structs import replace
from support import crafted, given, many_events
from support.asgi_stream import events_in, streaming
from support.audit import AUDITOR, auditing, told, whole_log
from support.database import SEVERAL
from support.histories import mixed

from app.log.read import heads
from app.maintenance import users
from app.maintenance.store import Connection
from app.service import Service
from app.settings import Settings
from domain.ids import StreamId

EVENTS = int(os.environ.get("TEST_FEED_EVENTS", "400"))
SESSIONS = int(os.environ.get("TEST_FEED_SESSIONS", "16"))
KILLS = int(os.environ.get("TEST_FEED_KILLS", "6"))
PAUSE_S = float(os.environ.get("TEST_FEED_PAUSE_S", "0.3"))
ROUNDS = 4


@pytest.fixture(params=[1, SEVERAL], ids=["one", "several"])
def partitions(request: pytest.FixtureRequest) -> int:
    count: int = request.param
    return count


class Reader:
    """Gets each event of each partition once, in order, and remembers how far it got."""

    def __init__(self, random: Random, events: int) -> None:
        """`events`: some that there are, so that it is killed KILLS times on its way."""
        self.random = random
        self.share = events // KILLS + 20
        self.last: Counter[int] = Counter()
        self.cursor = ""
        self.lives = 0

    def take(self, event: Mapping[str, Any]) -> None:
        partition, position = event["partition"], event["position"]
        assert position == self.last[partition] + 1, (partition, position, self.last)
        self.last[partition] = position

    def life(self) -> int:
        """After so many events it is killed."""
        self.lives += 1
        return self.random.randint(0, 2 * self.share)


Read = Callable[[httpx.AsyncClient, Reader], Awaitable[None]]


async def read_pages(client: httpx.AsyncClient, reader: Reader) -> None:
    """One life of a reader: some pages, of which it does not keep the last one."""
    left = reader.life()
    while left > 0:
        after = f"&after={reader.cursor}" if reader.cursor else ""
        limit = reader.random.randint(1, min(1_000, 2 * reader.share))
        answer = await client.get(f"/audit/feed?limit={limit}&wait=1{after}")
        assert answer.status_code == 200, answer.text
        *events, last = map(json.decode, answer.content.splitlines())
        left -= max(1, len(events))
        if events and left <= 0:
            return
        for event in events:
            reader.take(event)
        reader.cursor = ",".join(f"{number}:{at}" for number, at in last["next"].items())
        if not events:
            return


async def read_stream(client: httpx.AsyncClient, reader: Reader) -> None:
    """One life of a reader of Server-Sent Events: it is cut off anywhere."""
    headers = {"Accept": "text/event-stream"}
    if reader.cursor:
        headers["Last-Event-ID"] = reader.cursor
    left, rest = reader.life(), b""
    async with streaming(client, "/audit/feed", headers) as parts:
        while left > 0 and (part := await next_part(parts)):
            text = rest + part
            if len(text) > 300 * left:  # about so long are the events for which it lives
                text, left = text[: reader.random.randint(0, len(text))], 0
            whole, end, rest = text.rpartition(b"\n\n")
            found, _ = events_in((whole + end).decode())
            left -= len(found)
            for event in found:
                data = json.decode(event.data)
                assert event.event == data["type"]
                reader.take(data)
                reader.cursor = event.id


async def next_part(parts: AsyncIterator[bytes]) -> bytes:
    """What a stream sends next; empty if nothing comes for a while."""
    with suppress(TimeoutError):
        async with asyncio.timeout(1):
            return await anext(parts)
    return b""


async def write(service: Service, reader: Reader, before: int, owner: asyncpg.Connection) -> None:
    """Some writers at once, until the reader has got the events that were there before.

    In between, one of them stands still in the midst of its append, and the others wait for it.
    """
    number = 0
    while number < ROUNDS or reader.last[0] < before:
        await mixed(service, 100 + number, SESSIONS // ROUNDS)
        await asyncio.sleep(0.05)
        number += 1
        if number == ROUNDS // 2:
            others = asyncio.create_task(mixed(service, 99, SESSIONS // ROUNDS))
            async with owner.transaction():
                await crafted.append(owner, crafted.honest(streams=[in_first_partition(service)]))
                await asyncio.sleep(PAUSE_S)
            await others


def in_first_partition(service: Service) -> StreamId:
    """A new AI session's."""
    drawn = (StreamId(UUID(given.new_id())) for _ in range(1_000))
    return next(stream for stream in drawn if service.log.partition(stream) == 0)


@pytest.mark.parametrize("read", [read_pages, read_stream], ids=["pages", "stream"])
async def test_a_reader_that_is_killed_anywhere_resumes_without_loss_or_double(
    settings: Settings, owner: asyncpg.Connection, partitions: int, read: Read
) -> None:
    before = EVENTS if partitions == 1 else 0
    if before:
        await many_events.write(owner, before)
    reader, began = Reader(Random(7), before), time.perf_counter()
    patient = replace(settings, store_deadline_s=settings.store_deadline_s + PAUSE_S)
    async with auditing(patient, owner) as (client, service):
        writing = asyncio.create_task(write(service, reader, before, owner))
        while not writing.done() or reader.lives < KILLS:
            await read(client, reader)
        await writing
        ends = {head.partition: head.position for head in await heads(service.pool)}
        for _ in range(20 * KILLS):
            if reader.last == ends:
                break
            await read(client, reader)
    assert reader.last == ends, "lost"
    assert sum(ends.values()) == await owner.fetchval("SELECT count(*) FROM stored_events")
    took_s = time.perf_counter() - began
    sys.stdout.write(f"\n{reader.last.total():,} events, {reader.lives} lives: {took_s:.0f} s\n")


async def test_the_feed_is_in_the_order_of_times_or_of_one_partition(
    settings: Settings, owner: asyncpg.Connection
) -> None:
    async with auditing(settings, owner) as (client, service):
        await mixed(service, 1, 6)
        events = await whole_log(service)
        found = (await told(client, "/audit/feed?format=json"))["events"]
        assert [(e["partition"], e["position"]) for e in found] == [
            (event.partition, event.position) for event in events
        ]
        last = events[-1].partition
        page = await told(client, f"/audit/feed?format=json&partition={last}&limit=3")
        own = [event.position for event in events if event.partition == last]
        assert [each["position"] for each in page["events"]] == own[:3]
        assert page["next"] == {str(last): 3}


async def test_a_long_poll_is_answered_once_there_is_something(
    settings: Settings, owner: asyncpg.Connection
) -> None:
    async with auditing(settings, owner) as (client, service):
        ends = (await told(client, "/audit/feed?format=json"))["next"]
        after = ",".join(f"{number}:{at}" for number, at in ends.items())
        poll = asyncio.create_task(told(client, f"/audit/feed?format=json&wait=60&after={after}"))
        while not poll.done():
            await asyncio.sleep(0.05)
            session = given.session_of(await given.open_ai_session(service))
        assert session
        found = (await poll)["events"]
        assert found[0]["type"] == "ai_session.created.v1"
        quiet = await told(client, "/audit/feed?format=json&wait=1&after=now")
        assert quiet["events"] == []


async def test_a_cursor_with_the_id_of_its_event_is_refused_if_the_log_has_another_there(
    settings: Settings, owner: asyncpg.Connection
) -> None:
    async with auditing(settings, owner) as (client, service):
        await mixed(service, 1, 2)
        first = (await told(client, "/audit/feed?format=json&limit=2"))["events"][-1]
        at, other = f"{first['partition']}:{first['position']}", uuid4()
        own = f"&partition={first['partition']}"
        refused: dict[str, tuple[int, str | None]] = {
            f"after={at}&seen={first['eventId']}": (200, None),
            f"after={at}&seen={other}": (410, None),
            f"after={first['partition']}:1000000&seen={other}": (410, None),
            f"after={first['partition']}:1000000": (400, "after"),
            f"after={at}&seen={other},{other}": (400, "seen"),
            f"after={at}&seen=x": (400, "seen"),
            f"after=now&seen={other}": (400, "seen"),
        }
        for query, (status, field) in refused.items():
            answer = await client.get(f"/audit/feed?{query}{own if 'now' not in query else ''}")
            assert answer.status_code == status, (query, answer.text)
            if status != 200:
                assert answer.json()["error"]["field"] == field
        page = await client.get("/audit/feed?limit=3")
        rest = await client.get(page.links["next"]["url"])
        assert rest.status_code == 200
        beyond = await client.get(f"/audit/feed?after={first['partition']}:1000000{own}")
        assert "the log ends at" in beyond.text


async def test_a_stream_ends_when_its_reader_may_no_longer_read(
    settings: Settings, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.faces.audit.feed.QUIET_S", 0.0)
    headers = {"Accept": "text/event-stream"}
    async with (
        auditing(settings, owner) as (client, _),
        streaming(client, "/audit/feed", headers) as parts,
    ):
        assert b"retry:" in await anext(parts)
        await users.disable(Connection(owner), AUDITOR)
        async with asyncio.timeout(60):
            while await anext(parts) != b"":
                pass
