"""Rebuilds on record, and what is like them: how far they are, and what came of them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct

from app.database.sql import blocks
from app.log.read import Asks
from domain.errors import NotFound
from projections.catalog import VIEWS

SQL = blocks(__file__)
LISTED = 50
"""Rebuilds that a list shows, the newest."""
NOBODY = "nobody carries out rebuilds: start `sessionary operate`"
_NAMES = {view.name: view.projection for view in VIEWS}
Kind = Literal["rebuild", "refill", "back", "redrive"]
"""Of views; of followers, which take up the log anew; back to former tables; out of quarantine."""
Steering = Literal["pause", "resume", "cancel"]
State = Literal["waiting", "running", "comparing", "ready", "live", "failed", "cancelled"]


class Ask(Struct, frozen=True, kw_only=True, rename="camel"):
    """Somebody's ask for a rebuild or the like, or for the pause or end of one."""

    what: Kind | Steering
    by: str
    at: datetime
    request_id: str


class Compared(Struct, frozen=True, kw_only=True):
    """A rebuilt view beside the live one."""

    rows: int
    differing: int
    """Rows that were wrong, missing or superfluous."""
    samples: list[str] = []
    """Some of their streams."""


class Rebuild(Struct, frozen=True, kw_only=True, rename="camel"):
    """What was asked for, or a rebuild that somebody began by the command."""

    id: UUID
    kind: Kind
    projections: list[str]
    stream: UUID | None
    """The one to be redriven; null: all of the followers."""
    dry_run: bool
    state: State
    phase: str | None
    """What is being done: `scan`, `catch up`, `index`, `compare`, `swap`; or to which of them."""
    events: int | None
    """Folded so far."""
    total: int | None
    rate: float | None
    """Events a second."""
    eta: float | None
    """Seconds until all are folded."""
    compared: dict[str, Compared]
    shows: dict[str, int]
    """How many events of the log each shows since then; not in a dry run."""
    damaged: list[str]
    """Streams that cannot be rebuilt, and keep their rows."""
    failure: str | None
    waits_for: str | None
    """Why nothing is done, in words."""
    ways: list[Steering]
    """What may be asked of it now."""
    asked_by: str | None
    """The first who asked; null: somebody at the command line."""
    asked_at: datetime
    request_id: str | None
    asks: list[Ask]
    changed_at: datetime

    @property
    def is_well(self) -> bool:
        """Whether nobody has to look after it."""
        return self.state != "failed" and self.waits_for is None


class _Outcome(Struct):
    """What a rebuild leaves of its result."""

    events: Mapping[str, int | None] = {}
    rows: Mapping[str, int] = {}
    mended: Mapping[str, int] = {}
    samples: Mapping[str, list[str]] = {}
    damaged: list[str] = []


async def find(store: Asks, rebuild: UUID) -> Rebuild:
    """A rebuild by its id. Raises NotFound, or StoreDown."""
    for row in await store.ask(SQL["rebuilds"], rebuild, 1, False):
        return _rebuild(row)
    raise NotFound("Rebuild", rebuild)


async def rebuilds(store: Asks, most: int = LISTED) -> list[Rebuild]:
    """The newest ones. Raises StoreDown."""
    return [_rebuild(row) for row in await store.ask(SQL["rebuilds"], None, most, False)]


async def unfinished(store: Asks) -> list[Rebuild]:
    """Those that run, wait or are paused, the newest first. Raises StoreDown."""
    return [_rebuild(row) for row in await store.ask(SQL["rebuilds"], None, LISTED, True)]


async def ways_back(store: Asks) -> set[str]:
    """The views whose former tables are kept. Raises StoreDown."""
    return {_NAMES.get(row["view"], row["view"]) for row in await store.ask(SQL["kept"])}


async def neglected(store: Asks, seconds: float) -> list[tuple[str, float]]:
    """What nobody has carried out for so long, in words, and for how long."""
    return [
        (f"{row['kind']} {row['id']} of {', '.join(row['views'])}", row["waits_s"])
        for row in await store.ask(SQL["neglected"], seconds)
    ]


def _rebuild(row: asyncpg.Record) -> Rebuild:
    asks = msgspec.json.decode(row["asks"] or "[]", type=list[Ask])
    outcome = msgspec.json.decode(row["outcome"] or "{}", type=_Outcome)
    rate = row["rate"] or None
    return Rebuild(
        id=row["id"],
        kind=row["kind"],
        projections=[_NAMES.get(name, name) for name in row["views"]],
        stream=row["stream"],
        dry_run=row["dry_run"],
        state=row["state"],
        phase=row["phase"],
        events=row["events"],
        total=row["total"],
        rate=rate and round(rate, 1),
        eta=rate and round((row["total"] - row["events"]) / rate, 1),
        compared=_compared(outcome),
        shows={}
        if row["dry_run"]
        else {
            _NAMES.get(name, name): events
            for name, events in outcome.events.items()
            if events is not None
        },
        damaged=outcome.damaged,
        failure=row["failure"],
        waits_for=_waits_for(row),
        ways=_ways(row),
        asked_by=asks[0].by if asks else None,
        asked_at=row["begun_at"],
        request_id=asks[0].request_id if asks else None,
        asks=asks,
        changed_at=row["changed_at"],
    )


def _compared(outcome: _Outcome) -> dict[str, Compared]:
    return {
        _NAMES.get(name, name): Compared(
            rows=rows,
            differing=outcome.mended.get(name, 0),
            samples=outcome.samples.get(name, []),
        )
        for name, rows in outcome.rows.items()
    }


def _ways(row: asyncpg.Record) -> list[Steering]:
    if not row["unfinished"] or row["asked"] == "cancel":
        return []
    is_nobodys = not row["for_operator"] and not row["is_worked_on"]
    if row["asked"] == "pause" or is_nobodys:
        return ["resume", "cancel"]
    return ["pause", "cancel"] if row["kind"] in ("rebuild", "refill") else ["cancel"]


def _waits_for(row: asyncpg.Record) -> str | None:
    if not row["unfinished"] or (row["is_worked_on"] and row["state"] != "waiting"):
        return None
    if row["asked"] == "pause":
        return f"it is paused: somebody has to resume it, or to run {_command(row)}"
    if not row["for_operator"] and row["asked"] != "cancel":
        return f"it was broken off: somebody has to resume it, or to run {_command(row)}"
    if row["kind"] == "redrive" and row["operator_runs"] and row["state"] == "running":
        return None
    if row["is_worked_on"]:
        return "another rebuild is under way, or a verification or backup"
    return None if row["operator_runs"] else NOBODY


def _command(row: asyncpg.Record) -> str:
    """The command that goes on with it: by the same names."""
    return f"`sessionary rebuild {' '.join(_NAMES.get(name, name) for name in row['views'])}`"
