"""An older backup takes a log's place under clients, followers and readers of the feed."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
from msgspec import json
from msgspec.structs import replace
from support import given
from support.asgi_stream import streaming
from support.audit import auditing, whole_log
from support.backups import backed_up, restored
from support.database import ONE_PARTITION
from support.histories import catch_up, expected, kept
from support.patience import patient
from support.replaced import Replaceable, sound

from app.care.backup import ahead
from app.care.lines import Checkpoint
from app.database.errors import StoreDown
from app.history.followed import reached
from app.history.moments import present_cut
from app.service import Service
from domain.errors import NotFound
from domain.ids import AISessionId

MORE = 40
WITHIN_S = 30.0
Place = tuple[int, UUID]


class Clients:
    """Some that open sessions and change them, whatever happens."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.done: list[AISessionId] = []
        """Sessions that were opened and changed, as their clients were told."""

    async def work(self) -> None:
        while True:
            try:
                session = given.session_of(await given.open_ai_session(self._service))
                await given.patch_ai_session(self._service, session, "changed")
                self.done.append(session)
            except (StoreDown, NotFound):  # it is away, or was put back to before the session
                await asyncio.sleep(0.02)

    async def until(self, more: int) -> list[AISessionId]:
        """What is done by the time that so many more are."""
        enough = len(self.done) + more
        await holds(lambda: len(self.done) >= enough)
        return list(self.done)


class Reader:
    """One that keeps, beside its cursor, what the link to the next page says of it."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self.next = "/audit/feed?limit=20"
        self.got: list[Place] = []

    @property
    def position(self) -> int:
        return self.got[-1][0] if self.got else 0

    async def read(self) -> httpx.Response:
        """A page; one that is refused changes nothing."""
        answer = await self._client.get(self.next)
        if answer.status_code == httpx.codes.OK:
            *events, _ = map(json.decode, answer.content.splitlines())
            self.got += [(event["position"], UUID(event["eventId"])) for event in events]
            self.next = answer.links["next"]["url"]
        return answer

    async def read_all(self) -> None:
        before = None
        while before != self.got:
            before = list(self.got)
            assert (await self.read()).status_code == httpx.codes.OK

    def go_back(self, position: int) -> None:
        """Go on from an earlier position."""
        self.got = [place for place in self.got if place[0] <= position]
        self.next = f"/audit/feed?limit=20&after=0:{position}&seen={self.got[-1][1]}"


async def holds(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + patient(WITHIN_S)
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def ended(parts: Any) -> None:
    """Take the rest of a stream."""
    async with asyncio.timeout(patient(WITHIN_S)):
        while await anext(parts) != b"":
            pass


@ONE_PARTITION
async def test_nothing_is_skipped_or_doubled_and_what_was_lost_is_said(
    live: Replaceable, services: tuple[Service, Service], tmp_path: Path
) -> None:
    owner = await asyncpg.connect(live.url)
    settings = replace(services[0].settings, allowed_hosts=frozenset({"test"}))
    async with auditing(settings, owner) as (client, follows):  # (which follows, as workers do)
        clients, reader = [Clients(each) for each in services], Reader(client)
        working = [asyncio.create_task(each.work()) for each in clients]
        stands = [each for some in clients for each in await some.until(MORE)]
        header = await backed_up(live.url, tmp_path / "backup")
        at_backup = [len(each.done) for each in clients]
        for each in clients:
            await each.until(MORE)
        while reader.position < header.positions[0] + MORE:
            await reader.read()
        watches = {"Accept": "text/event-stream", "Last-Event-ID": f"0:{reader.position}"}
        async with streaming(client, "/audit/feed", watches) as parts:
            await anext(parts)
            await owner.close()
            await live.empty()
            lost = [
                each for some, n in zip(clients, at_backup, strict=True) for each in some.done[n:]
            ]
            last = reader.position
            done = await restored(live.url, tmp_path / "backup", tmp_path)
            # So many that other events come to stand where the reader is.
            after: list[AISessionId] = []
            while not after or (await present_cut(services[0].pool))[0] <= last:
                after = [
                    each for some in clients for each in (await some.until(MORE))[-MORE // 2 :]
                ]
            await ended(parts)
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)

        assert done.differences == []
        said = ahead(Checkpoint(positions={0: last}, recorded_at={}), header)
        assert f"{last - header.positions[0]} events ahead" in said[0]
        refused = await reader.read()
        assert (refused.status_code, refused.json()["error"]["code"]) == (410, "CursorLost")
        reader.go_back(header.positions[0])
        await reader.read_all()
        log = await whole_log(follows)
        assert reader.got == [(event.position, event.event_id) for event in log]
        streams = [str(event.stream) for event in log]
        assert {each: streams.count(each) for each in [*stands, *after]} == dict.fromkeys(
            [*stands, *after], 2
        )
        assert not set(lost) & set(streams)
    await sound(live)
    await catch_up(services[0])
    owner = await asyncpg.connect(live.url)
    assert await reached(services[0].pool) == await present_cut(services[0].pool)
    assert await kept(owner) == await expected(services[0])
    await owner.close()
