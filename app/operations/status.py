"""How the database, the log, the views and the followers stand: one look, and one sentence."""

import time
from collections.abc import Iterator, Sequence
from datetime import datetime

from msgspec import Struct

from app.database.sql import blocks
from app.log.read import Asks
from app.log.standby import Standing
from app.operations.deeds import Deed, last, latest
from app.operations.projections import Projection, projections
from app.operations.rates import Rates, rates
from app.operations.rebuilds import Rebuild, unfinished
from app.operations.stuck import Stuck, stuck

SQL = blocks(__file__)
FULL = 0.9
"""The part of the server's connections from which on they are about to run out."""

_DEEDS = 8


class Database(Struct, frozen=True, kw_only=True, rename="camel"):
    """The server."""

    version: str
    up_seconds: float
    round_trip_ms: float
    bytes: int
    connections: int
    most_connections: int
    is_standby: bool
    waits_for: str
    """The standbys that commits wait for, as synchronous_standby_names has them; empty: none."""
    migration: int


class Head(Struct, frozen=True, kw_only=True, rename="camel"):
    """The end of a partition."""

    partition: int
    position: int
    recorded_at: datetime | None
    age_seconds: float | None


class Worker(Struct, frozen=True, kw_only=True, rename="camel"):
    """A process that serves, on any machine."""

    name: str
    """Its host and number: `node1:4711`."""
    release: str
    connections: int
    since: datetime | None
    """Of its oldest connection; None if its login hides that, as a superuser's does."""


class Status(Struct, frozen=True, kw_only=True, rename="camel"):
    """How all of it stands."""

    ok: bool
    sentence: str
    database: Database
    heads: list[Head]
    projections: list[Projection]
    stuck: list[Stuck]
    rebuilds: list[Rebuild]
    """Those that run, wait or are paused."""
    workers: list[Worker]
    rates: Rates
    standby: Standing | None
    """That of `--read-url`, for whom it was named to."""
    last_backup: Deed | None
    last_verify: Deed | None
    deeds: list[Deed]
    """What operators did lately, newest first."""


async def status(store: Asks, standby: Standing | None = None) -> Status:
    """One look. `standby`: how it stands, if any. Raises StoreDown, or the database's own error."""
    database = await _database(store)
    heads = [Head(partition=p, position=n, recorded_at=at, age_seconds=age)
             for p, n, at, age in await store.ask(SQL["heads"])]  # fmt: skip
    found = await projections(store)
    halted = await stuck(store, found)
    done = await last(store, ("backup", "verify"))
    troubles = list(_troubles(database, halted))
    return Status(
        ok=not troubles,
        sentence="; ".join(troubles) or _well(heads, found),
        database=database,
        heads=heads,
        projections=found,
        stuck=halted,
        rebuilds=await unfinished(store),
        workers=[Worker(**row) for row in await store.ask(SQL["workers"])],
        rates=await rates(store),
        standby=standby,
        last_backup=done.get("backup"),
        last_verify=done.get("verify"),
        deeds=await latest(store, _DEEDS),
    )


async def _database(store: Asks) -> Database:
    started = time.perf_counter()
    (row,) = await store.ask(SQL["database"])
    return Database(
        version=row["version"].partition(" ")[0],
        up_seconds=round(row["up_s"], 1),
        round_trip_ms=round((time.perf_counter() - started) * 1000, 1),
        bytes=row["bytes"],
        connections=row["connections"],
        most_connections=row["most_connections"],
        is_standby=row["is_standby"],
        waits_for=row["waits_for"],
        migration=row["migration"],
    )


def _troubles(database: Database, halted: Sequence[Stuck]) -> Iterator[str]:
    if database.is_standby:
        yield "The database is a standby: it takes no commands"
    if database.connections >= FULL * database.most_connections:
        most = database.most_connections
        yield f"{database.connections} of the database's {most} connections are taken"
    for each in halted:
        yield each.sentence


def _well(heads: Sequence[Head], found: Sequence[Projection]) -> str:
    events = sum(head.position for head in heads)
    behind = sum(each.lag_events for each in found)
    return f"All goes on: {events} events, of which followers have {behind} to take up"
