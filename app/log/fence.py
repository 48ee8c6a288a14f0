"""The fence of reads on a standby: whether it shows at least what the primary has shown.

A later snapshot on one connection to a server shows all that an earlier one showed. So once a
standby has passed the fence, what the same connection reads then is no older.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import Enum
from uuid import UUID

import asyncpg
from msgspec import Struct, json

from app.database.sql import blocks

SQL = blocks(__file__)
Ask = Callable[..., Awaitable[Sequence[asyncpg.Record]]]
"""Runs one statement with its arguments."""
Place = tuple[int, UUID | None]
"""A position, and the id of its event; none at position 0."""


class Shown(Struct, frozen=True, kw_only=True):
    """What a server shows of the log, in one snapshot."""

    is_standby: bool
    log: str | None
    """The log's name."""
    marks: str
    """What is the same on all servers of a log once they are equally far."""
    at: tuple[Place, ...]
    """By partition: the place that was asked for, or the last one before it."""
    ends: tuple[Place, ...]
    """By partition: the last place."""
    followers: tuple[Mapping[str, int], ...]
    """By partition: how far each follower is, at most up to the place that was asked for."""


class Verdict(Enum):
    """How a standby compares with what the primary shows."""

    REACHED = "reached"
    NOT_YET = "not yet"
    """It lacks something; or it has something that the primary does not show yet."""
    ANOTHER = "another log"
    """Where both have a position, they have different events."""
    PRIMARY = "no standby"
    """It takes writes, so nothing makes it go on as the primary does."""


async def shown(ask: Ask, positions: Mapping[int, int] | None = None) -> Shown:
    """What a server shows: at positions, by partition, and at the ends of all others.

    Raises what `ask` does; on a server without a log, asyncpg.UndefinedTableError.
    """
    wanted = positions or {}
    rows = await ask(
        SQL["shown"], [wanted.get(each) for each in range(max(wanted, default=-1) + 1)]
    )
    if not rows:
        return Shown(is_standby=True, log=None, marks="", at=(), ends=(), followers=())
    return Shown(
        is_standby=rows[0]["is_standby"],
        log=rows[0]["log"],
        marks=rows[0]["marks"],
        at=tuple((row["position"], row["event_id"]) for row in rows),
        ends=tuple((row["end"], row["end_id"]) for row in rows),
        followers=tuple(json.decode(row["followers"] or "{}", type=dict[str, int]) for row in rows),
    )


class Comparison(Struct, frozen=True):
    """How a standby compares with what the primary has shown."""

    verdict: Verdict
    behind: int = 0
    """Events that the standby lacks."""


async def compared(primary: Shown, on_primary: Ask, on_standby: Ask) -> Comparison:
    """Whether a standby shows what the primary has shown, and nothing that is not in its log.

    Raises what the two raise.
    """
    found = await shown(on_standby, _positions(primary.at))
    if not found.is_standby:
        return Comparison(Verdict.PRIMARY)
    if found.log != primary.log or len(found.at) != len(primary.at):
        return Comparison(Verdict.ANOTHER)
    verdict = _of_places(found.at, primary.at)
    if verdict is Verdict.REACHED and (found.marks != primary.marks or _lag(found, primary)):
        verdict = Verdict.NOT_YET
    if verdict is Verdict.REACHED and found.ends not in (primary.at, primary.ends):
        # It has more, appended meanwhile: unless it went its own way, the primary has the same.
        again = await shown(on_primary, _positions(found.ends))
        verdict = _of_places(again.at, found.ends)
    return Comparison(verdict, _behind(found.ends, primary.ends))


def _of_places(found: Sequence[Place], wanted: Sequence[Place]) -> Verdict:
    """How places compare with those that are wanted, which are no earlier."""
    for (position, event), (wanted_position, wanted_event) in zip(found, wanted, strict=True):
        if position == wanted_position and event != wanted_event:
            return Verdict.ANOTHER
    return Verdict.REACHED if tuple(found) == tuple(wanted) else Verdict.NOT_YET


def _lag(found: Shown, primary: Shown) -> bool:
    """Whether a follower is less far than the primary has shown."""
    return any(
        reached.get(name, 0) < position
        for reached, wanted in zip(found.followers, primary.followers, strict=True)
        for name, position in wanted.items()
    )


def _behind(found: Sequence[Place], wanted: Sequence[Place]) -> int:
    pairs = zip(found, wanted, strict=True)
    return sum(max(0, position - reached) for (reached, _), (position, _) in pairs)


def _positions(places: Sequence[Place]) -> dict[int, int]:
    return {partition: position for partition, (position, _) in enumerate(places)}
