"""Readers of the feed that are killed anywhere, while others write: nothing is lost or doubled."""

import asyncio
import os
from collections.abc import Mapping
from random import Random
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from msgspec import json
from support import given
from support.asgi_stream import ServerSentEvent, events_in, streaming
from support.audit import AUDITOR, auditing, told, whole_log
from support.database import SEVERAL
from support.histories import mixed

from app.maintenance import users
from app.maintenance.store import Connection
from app.service import Service
from app.settings import Settings

SESSIONS = int(os.environ.get("TEST_FEED_SESSIONS", "16"))
KILLS = int(os.environ.get("TEST_FEED_KILLS", "6"))
Place = tuple[int, int]


@pytest.fixture(params=[1, SEVERAL], ids=["one", "several"])
def partitions(request: pytest.FixtureRequest) -> int:
    count: int = request.param
    return count


class Reader:
    """Remembers what it got, and its cursor only as far as it got it."""

    def __init__(self) -> None:
        self.places: list[Place] = []
        self.times: list[str] = []
        self.cursor = ""

    def take(self, event: Mapping[str, Any]) -> None:
        self.places.append((event["partition"], event["position"]))
        self.times.append(event["recordedAt"])

    def holds(self, count: int) -> bool:
        return len(self.places) >= count


async def write(service: Service) -> None:
    """Some writers at once, one after another, with a pause."""
    for seed in range(4):
        await mixed(service, 100 + seed, SESSIONS // 4)
        await asyncio.sleep(0.05)


async def read_pages(client: httpx.AsyncClient, reader: Reader, random: Random) -> None:
    """One life of a reader: some pages; it may die before it keeps what it got."""
    for _ in range(random.randint(1, 5)):
        after = f"&after={reader.cursor}" if reader.cursor else ""
        limit = random.randint(1, 40)
        answer = await client.get(f"/audit/feed?limit={limit}&wait=1{after}")
        assert answer.status_code == 200, answer.text
        *events, last = map(json.decode, answer.content.splitlines())
        if random.random() < 0.3:
            return  # killed before it kept anything
        for event in events:
            reader.take(event)
        reader.cursor = ",".join(f"{number}:{at}" for number, at in last["next"].items())


async def read_stream(client: httpx.AsyncClient, reader: Reader, random: Random) -> None:
    """One life of a reader of Server-Sent Events: it is cut off anywhere."""
    headers = {"Accept": "text/event-stream"}
    if reader.cursor:
        headers["Last-Event-ID"] = reader.cursor
    most, text = random.randint(0, 60), b""
    async with streaming(client, "/audit/feed", headers) as parts:
        try:
            async with asyncio.timeout(1):
                while most > 0:
                    text += await anext(parts)
                    found, _ = events_in(text[: text.rfind(b"\n\n") + 2].decode())
                    if len(found) >= most:
                        break
        except TimeoutError:
            pass
    # (Every other time it gets all that was sent: the last event would else be cut off for ever.)
    cut = random.choice((random.randint(len(text) // 2, len(text)), len(text)))
    found, _ = events_in(text[:cut].decode(errors="ignore"))
    for event in found[:most]:
        take(reader, event)


def take(reader: Reader, event: ServerSentEvent) -> None:
    data = json.decode(event.data)
    assert event.event == data["type"]
    reader.take(data)
    reader.cursor = event.id


@pytest.mark.parametrize("read", [read_pages, read_stream], ids=["pages", "stream"])
async def test_a_reader_that_is_killed_anywhere_resumes_without_loss_or_double(
    settings: Settings, owner: asyncpg.Connection, read: Any
) -> None:
    random, reader = Random(7), Reader()
    async with auditing(settings, owner) as (client, service):
        writing = asyncio.create_task(write(service))
        lives = 0
        while not writing.done() or lives < KILLS:
            await read(client, reader, random)
            lives += 1
        await writing
        everything = [(event.partition, event.position) for event in await whole_log(service)]
        for _ in range(20 * KILLS):
            if reader.holds(len(everything)):
                break
            await read(client, reader, random)
    assert len(set(reader.places)) == len(reader.places), "doubled"
    assert set(reader.places) == set(everything), "lost"
    for number in {partition for partition, _ in everything}:
        own = [position for partition, position in reader.places if partition == number]
        assert own == list(range(1, len(own) + 1))


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
