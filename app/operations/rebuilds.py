"""Rebuilds on record: asked for and cancelled here, and carried out by another process."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct

from app.codecs.json_text import BadInput
from app.database.sql import blocks
from app.log.errors import KeyReused
from app.log.read import Asks
from domain.errors import NotFound
from projections.catalog import VIEWS

SQL = blocks(__file__)
LISTED = 50
"""Rebuilds that a list shows, the newest."""
NOBODY = "nobody carries out rebuilds: start `sessionary operate`"
_RETRY_AFTER_S = 60
_SHOWN = 60
"""Characters of an unknown name that a message repeats."""

_NAMES = {view.name: view.projection for view in VIEWS}
State = Literal["waiting", "running", "comparing", "ready", "live", "failed", "cancelled"]


class TooManyRebuilds(Exception):
    """So many rebuilds wait, or were asked for within the hour, that no further one is taken."""

    def __init__(self) -> None:
        """See the class."""
        self.retry_after_s = _RETRY_AFTER_S
        super().__init__("Too many rebuilds wait, or were asked for within an hour: try later")


class RebuildOver(Exception):
    """A rebuild that has ended cannot be cancelled."""

    def __init__(self, state: str) -> None:
        """`state`: its last one."""
        super().__init__(f"The rebuild is {state}: it cannot be cancelled any more")


class Ask(Struct, frozen=True, kw_only=True, rename="camel"):
    """Somebody's ask for a rebuild, or for the end of one."""

    what: Literal["rebuild", "cancel"]
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
    """A rebuild that was asked for, or that somebody began by the command."""

    id: UUID
    projections: list[str]
    dry_run: bool
    state: State
    phase: str | None
    """What is being done: `scan`, `catch up`, `index`, `compare`, `swap`."""
    events: int | None
    """Folded so far."""
    total: int | None
    rate: float | None
    """Events a second."""
    eta: float | None
    """Seconds until all are folded."""
    compared: dict[str, Compared]
    damaged: list[str]
    """Streams that cannot be rebuilt, and keep their rows."""
    failure: str | None
    waits_for: str | None
    """Why nothing is done, in words."""
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

    rows: Mapping[str, int] = {}
    mended: Mapping[str, int] = {}
    samples: Mapping[str, list[str]] = {}
    damaged: list[str] = []


class Writes(Asks, Protocol):
    """Statements, and those that must not be sent twice."""

    async def ask_once(self, sql: str, *arguments: object) -> Sequence[asyncpg.Record]:
        """The rows of a statement that writes."""


async def ask(
    store: Writes, names: Sequence[str], *, dry_run: bool, by: str, request_id: str, key: str | None
) -> tuple[Rebuild, bool]:
    """Record that somebody asks for a rebuild; the rebuild, and whether the key was known already.

    No name means all views. While one of the same views waits or runs, the ask joins that. Raises
    BadInput, KeyReused, TooManyRebuilds, or StoreDown.
    """
    known = {view.projection: view.name for view in VIEWS}
    for name in names:
        if name not in known:
            raise BadInput(
                f"There is no view {name[:_SHOWN]!r} to rebuild: there are {', '.join(known)}",
                field="projections",
            )
    views = [known[name] for name in names or known]
    values = (views, dry_run, by, request_id, key)
    ((rebuild, outcome),) = await store.ask_once(SQL["ask"], *values)
    if outcome == "key_reused":
        raise KeyReused
    if outcome == "too_many":
        raise TooManyRebuilds
    return await find(store, rebuild), outcome == "replayed"


async def cancel(store: Writes, rebuild: UUID, *, by: str, request_id: str) -> None:
    """Record that somebody asks for the end of a rebuild. Raises NotFound, RebuildOver, StoreDown.

    The one that works on it ends within its next page.
    """
    ((state, unfinished),) = await store.ask_once(SQL["cancel"], rebuild, by, request_id)
    if state is None:
        raise NotFound("Rebuild", rebuild)
    if not unfinished and state != "cancelled":
        raise RebuildOver(state)


async def find(store: Asks, rebuild: UUID) -> Rebuild:
    """A rebuild by its id. Raises NotFound, or StoreDown."""
    for row in await store.ask(SQL["rebuilds"], rebuild, 1):
        return _rebuild(row)
    raise NotFound("Rebuild", rebuild)


async def rebuilds(store: Asks) -> list[Rebuild]:
    """The newest ones. Raises StoreDown."""
    return [_rebuild(row) for row in await store.ask(SQL["rebuilds"], None, LISTED)]


async def neglected(store: Asks, seconds: float) -> list[tuple[str, float]]:
    """Rebuilds that nobody has carried out for so long, in words, and for how long."""
    return [
        (f"rebuild {row['id']} of {', '.join(row['views'])}", row["waits_s"])
        for row in await store.ask(SQL["neglected"], seconds)
    ]


def _rebuild(row: asyncpg.Record) -> Rebuild:
    asks = msgspec.json.decode(row["asks"] or "[]", type=list[Ask])
    outcome = msgspec.json.decode(row["outcome"] or "{}", type=_Outcome)
    rate = row["rate"] or None
    return Rebuild(
        id=row["id"],
        projections=[_NAMES.get(name, name) for name in row["views"]],
        dry_run=row["dry_run"],
        state=row["state"],
        phase=row["phase"],
        events=row["events"],
        total=row["total"],
        rate=rate and round(rate, 1),
        eta=rate and round((row["total"] - row["events"]) / rate, 1),
        compared=_compared(outcome),
        damaged=outcome.damaged,
        failure=row["failure"],
        waits_for=_waits_for(row),
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


def _waits_for(row: asyncpg.Record) -> str | None:
    if not row["unfinished"] or (row["is_worked_on"] and row["state"] != "waiting"):
        return None
    if row["asked"] == "pause":
        return "it is paused: `sessionary rebuild`, or another ask for the same, goes on"
    if not row["for_operator"] and row["asked"] != "cancel":
        return "it was broken off: `sessionary rebuild` of the same views goes on"
    if row["is_worked_on"]:
        return "another rebuild is under way, or a verification"
    return None if row["operator_runs"] else NOBODY
