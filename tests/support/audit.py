"""An auditor who calls the whole application, and what the log should tell."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx
from msgspec import json

from app.log.audited import AuditedEvent, read_between
from app.log.read import heads
from app.maintenance import users
from app.maintenance.store import Connection
from app.service import Service
from app.settings import Settings
from domain.event import kind_of
from domain.ids import StreamId
from projections.catalog import CURRENT
from projections.fold import Folded, Recorded, fold
from support.in_process import PASSWORD, running

AUDITOR = "ann"
FORMS = ("json", "ndjson", "csv", "html")


@asynccontextmanager
async def auditing(
    settings: Settings, owner: asyncpg.Connection
) -> AsyncIterator[tuple[httpx.AsyncClient, Service]]:
    """Calls the application as an auditor; its service beside it."""
    await users.add(Connection(owner), AUDITOR, ["Auditor"], PASSWORD)
    async with running(settings) as (client, service):
        client.auth = httpx.BasicAuth(AUDITOR, PASSWORD)
        yield client, service


async def told(client: httpx.AsyncClient, url: str) -> Any:
    """The JSON that is at a URL."""
    answer = await client.get(url)
    assert answer.status_code == 200, (url, answer.text)
    return json.decode(answer.content)


async def all_pages(client: httpx.AsyncClient, url: str | None) -> list[dict[str, Any]]:
    """The events of all pages from a URL on."""
    found: list[dict[str, Any]] = []
    while url is not None:
        page = await told(client, url)
        found += page["events"]
        url = page["next"]
    return found


async def whole_log(service: Service) -> list[AuditedEvent]:
    """All events by time, partition and position."""
    found: list[AuditedEvent] = []
    for head in await heads(service.pool):
        found += await read_between(
            service.pool, service.log.keyring, head.partition,
            after=0, until=head.position, most=1_000_000,
        )  # fmt: skip
    return sorted(found, key=lambda each: (each.recorded_at, each.partition, each.position))


def by_stream(events: Sequence[AuditedEvent]) -> Mapping[StreamId, list[AuditedEvent]]:
    """The events of each stream, oldest first."""
    streams: dict[StreamId, list[AuditedEvent]] = {}
    for event in events:
        streams.setdefault(event.stream, []).append(event)
    return streams


def folds(events: Sequence[AuditedEvent]) -> list[Folded[Any]]:
    """One stream after each of its events, by the plain fold."""
    view = CURRENT[kind_of(events[0].topic)]
    folded: Folded[Any] | None = None
    found = []
    for event in events:
        assert isinstance(event.recorded, Recorded)
        folded = fold(view.evolve, folded, event.recorded, view.kind)
        found.append(folded)
    return found


def place(event: AuditedEvent) -> str:
    """The position as a request names it."""
    return f"{event.partition}:{event.position}"
