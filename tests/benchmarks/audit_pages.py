"""The first byte of auditors' pages over a log of very many events, and how much each page sends.

In this process, without a socket: the time is that of the whole application and its database.
"""

import asyncio
import time
from collections.abc import Sequence
from statistics import median

import asyncpg
import httpx
from msgspec import Struct
from support import many_events
from support.in_process import running

from app.maintenance import users
from app.maintenance.store import Connection, DataLocation, SchemaPermission, prepare
from app.settings import Settings

from .measure import BenchmarkFailed, Pace
from .report import markdown
from .stage import Stage, let_service_in, service_url

AT_MOST_MS = 50.0
AT_MOST_KB = 60.0
_HEAD = ("page", "ms", "(rounds)", "least processor ms of the service", "KB")
_AUDITOR = "ann"
_STREAM = "00000000-0000-7000-8000-000000000007"
_FILTERS = (
    "", "actor=actor0", "actor=actor999", "type=chat_session.rated", "operation=ApplyAISession",
    "face=evo", f"session={_STREAM}", "account=a0", "field=rank", "client=192.0.2.0",
    "request=request-7", "since=2026-11-21T00:01:00Z&until=2026-11-21T00:02:00Z",
    "actor=actor0&face=evo", "type=ai_session.created&account=a0",
    "actor=actor0&client=192.0.2.0&field=rating", "reverse=true", "unfold=true",
)  # fmt: skip
_OF_SESSION = (
    "", "?asOf=2", "?asOf=2&compare=4", "/history", "/provenance", "/diff?from=1&to=4", "/views",
)  # fmt: skip


class Taken(Struct, frozen=True):
    """What one page took."""

    ms: float
    """From the request to its first byte."""
    cpu_ms: float
    """Of these, processor time of this process; the rest is the database's, and others'."""
    kb: float


def run(stage: Stage, pace: Pace, events: int) -> str:
    """Measure over a log of so many `events`, and tell in a Markdown table."""
    url = stage.new_database("pages")
    where = DataLocation(database_url=url, data_dir=stage.folder / "pages")
    with asyncio.Runner() as loop:
        _, key = loop.run(prepare(url, where, SchemaPermission.BEGIN))
        loop.run(let_service_in(url))
        settings = Settings(
            database_url=service_url(url),
            master_key=key,
            allowed_hosts=frozenset({"test"}),
            store_deadline_s=30.0,
        )
        taken = loop.run(_measured(url, settings, pace, events))
    title = f"First byte of auditors' pages over {events:,} events"
    limits = f"(at most {AT_MOST_MS:g} ms, {AT_MOST_KB:g} KB)"
    return markdown(f"{title} {limits}", _HEAD, [_row(*each) for each in taken.items()])


async def _measured(
    url: str, settings: Settings, pace: Pace, events: int
) -> dict[str, list[Taken]]:
    owner = await asyncpg.connect(url)
    try:
        await many_events.write(owner, events)
        async with running(settings) as (client, service):
            await many_events.follow(service, owner)
            await users.add(Connection(owner), _AUDITOR, ["Auditor"], "right as rain")
            token = await users.give_token(Connection(owner), _AUDITOR)
            client.headers.update({"Authorization": f"Bearer {token}", "Accept": "text/html"})
            return await _by_turns(client, pages(events), pace.rounds)
    finally:
        await owner.close()


def pages(events: int) -> Sequence[str]:
    """The URLs that are measured."""
    middle = f"0:{events // 2}"
    return [
        *(f"/audit/events?{each}".rstrip("?") for each in _FILTERS),
        f"/audit/events?before={middle}",
        f"/audit/events?actor=actor0&before={middle}",
        f"/audit/events/{middle}",
        *(f"/audit/sessions/{_STREAM}{each}" for each in _OF_SESSION),
        f"/audit/sessions/{_STREAM}?asOf={middle}",
        "/audit/access",
        f"/audit/access?principal={_AUDITOR}",
    ]


async def _by_turns(
    client: httpx.AsyncClient, urls: Sequence[str], rounds: int
) -> dict[str, list[Taken]]:
    taken: dict[str, list[Taken]] = {url: [] for url in urls}
    for measured in [False] + [True] * rounds:  # the first ones compile templates and plans
        for url, each in taken.items():
            cpu, started = time.process_time(), time.perf_counter()
            answer = await client.get(url)
            took_s, cpu_s = time.perf_counter() - started, time.process_time() - cpu
            if answer.status_code != 200:
                raise BenchmarkFailed(f"{url}: {answer.status_code} {answer.text[:200]}")
            if measured:
                each.append(Taken(took_s * 1000, cpu_s * 1000, len(answer.content) / 1000))
    return taken


def _row(url: str, taken: Sequence[Taken]) -> tuple[str, ...]:
    middle, kb = median(each.ms for each in taken), max(each.kb for each in taken)
    return (
        url.replace(_STREAM, "{id}"),
        f"**{middle:.1f}**" if middle <= AT_MOST_MS else f"{middle:.1f} (missed)",
        f"{min(each.ms for each in taken):.1f}-{max(each.ms for each in taken):.1f}",
        f"{min(each.cpu_ms for each in taken):.1f}",
        f"{kb:.1f}" if kb <= AT_MOST_KB else f"{kb:.1f} (missed)",
    )
