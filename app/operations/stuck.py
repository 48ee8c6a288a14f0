"""What does not go on, and what is in its way: a backend, or an event."""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

import asyncpg
from msgspec import UNSET, Struct, UnsetType

from app.database.sql import blocks
from app.log.read import Asks
from app.operations.projections import Projection, projections
from app.operations.rebuilds import NOBODY, neglected

SQL = blocks(__file__)
MAX_STREAMS = 100
"""Streams in quarantine that are shown: the first ones of all."""
WAITS_S = 1.0
"""Seconds after which a wait for a lock is no longer an everyday one."""
NEGLECTED_S = 3.0
"""The same for a rebuild that nobody carries out."""


class Stuck(Struct, frozen=True, kw_only=True, rename="camel"):
    """One thing that does not go on."""

    kind: Literal["lock", "follower", "quarantine", "rebuild"]
    sentence: str
    seconds: float
    pid: int | UnsetType = UNSET
    """The backend that waits."""
    blocker: int | UnsetType = UNSET
    """The backend in its way."""
    name: str | UnsetType = UNSET
    """The follower."""
    position: str | UnsetType = UNSET
    """The event that it has not taken up."""
    stream: UUID | UnsetType = UNSET
    """The one of that event, and of those that wait behind it."""
    error: str | UnsetType = UNSET


async def stuck(store: Asks, known: Sequence[Projection] | None = None) -> list[Stuck]:
    """All that is stuck. `known`: the projections, if they were just looked at.

    Raises StoreDown, or the database's own error.
    """
    found = [_waiting(row) for row in await store.ask(SQL["waiting"], WAITS_S)]
    for each in await projections(store) if known is None else known:
        if not each.is_well:
            found.append(await _follower(store, each))
    found += [_quarantined(row) for row in await store.ask(SQL["quarantined"], MAX_STREAMS)]
    for rebuild, seconds in await neglected(store, NEGLECTED_S):
        sentence = f"{rebuild} has waited {seconds:.0f} s: {NOBODY}"
        found.append(Stuck(kind="rebuild", sentence=sentence, seconds=round(seconds, 3)))
    return found


def _quarantined(row: asyncpg.Record) -> Stuck:
    place = f"{row['partition']}:{row['position']}"
    return Stuck(
        kind="quarantine",
        sentence=(
            f"{row['follower']} cannot take up {place} ({row['topic']} of stream "
            f"{row['stream_id']}) for {row['seconds']:.0f} s, and this stream's later events wait "
            f"behind it: {row['error']}"
        ),
        seconds=round(row["seconds"], 3),
        name=row["follower"],
        position=place,
        stream=row["stream_id"],
        error=row["error"],
    )


def _waiting(row: asyncpg.Record) -> Stuck:
    who = row["application"] or "a client"
    blocker = row["blocker_application"] or "a client"
    does = row["blocker_statement"] or "a statement that only its own login may see"
    state, held_s = row["blocker_state"] or "at work", row["blocker_s"]
    since = "" if held_s is None else f", in a transaction of {held_s:.0f} s"
    return Stuck(
        kind="lock",
        sentence=(
            f"pid {row['pid']} ({who}) has waited {row['waits_s']:.0f} s for pid {row['blocker']} "
            f"({blocker}, as {row['blocker_login']}): {does}, {state}{since}"
        ),
        seconds=round(row["waits_s"], 3),
        pid=row["pid"],
        blocker=row["blocker"],
    )


async def _follower(store: Asks, each: Projection) -> Stuck:
    partition, _, position = each.position.partition(":")
    behind = f"{partition}:{int(position) + 1}"
    rows = await store.ask(SQL["next_event"], int(partition), int(position) + 1)
    event = f"{rows[0]['topic']} of stream {rows[0]['stream']}" if rows else "which is missing"
    owner = "no worker follows" if each.owner is None else f"worker {each.owner} follows"
    return Stuck(
        kind="follower",
        sentence=(
            f"{each.name} is {each.lag_events} events behind: it has not taken up {behind} "
            f"({event}) for {each.lag_seconds:.0f} s; {owner}"
        ),
        seconds=each.lag_seconds,
        name=each.name,
        position=behind,
    )
