"""Retention: sessions whose last event is so old that their personal data is to be erased."""

from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
from msgspec import Struct

from app.database.sql import blocks
from app.erasure.holds import HeldBack, holds_on
from app.history.reader import Reader
from app.history.sessions import Session
from app.history.times import time_text
from app.log.errors import Unreadable
from app.log.stream_keys import bundle
from domain.event import kind_of
from domain.ids import StreamId

SQL = blocks(__file__)
FLOOR_DAYS = 183
"""Six months: what is younger is not erased by policy, unless another floor is set."""
PAGE_STREAMS = 1_000
_KINDS = frozenset({"ai_session", "chat_session"})
_FIRST = UUID(int=0)


class BelowFloor(Exception):
    """The policy would erase what is younger than the floor; the message has both."""

    def __init__(self, days: int, floor_days: int) -> None:
        """Both in days."""
        super().__init__(
            f"Nothing is erased by policy before {floor_days} days have passed, and {days} are "
            "fewer: keep longer, or set another floor"
        )


class Due(Struct, frozen=True):
    """A session whose personal data has been kept for as long as the policy says."""

    session: Session
    last_at: str
    hold: HeldBack | None
    """Why it stays all the same."""


def require_above_floor(days: int, floor_days: int) -> None:
    """Raise BelowFloor for a policy that keeps less long than the floor."""
    if days < floor_days:
        raise BelowFloor(days, floor_days)


async def due(reader: Reader, days: int) -> AsyncIterator[list[Due]]:
    """Pages of sessions that still hold personal data and have had no event for so many days.

    Raises StoreDown.
    """
    for partition in range(reader.partitions):
        after = _FIRST
        while rows := await reader.store.ask(SQL["page"], partition, after, PAGE_STREAMS, days):
            after = rows[-1]["stream"]
            if found := [row for row in rows if _is_due(row)]:
                yield await _shown(reader, found)


def _is_due(row: asyncpg.Record) -> bool:
    if not row["is_old"] or kind_of(row["topic"]) not in _KINDS:
        return False
    try:
        return bool(bundle(row["wrapped"]).parts)
    except Unreadable:  # nothing of it opens anyway; the erasure marks it
        return True


async def _shown(reader: Reader, rows: list[asyncpg.Record]) -> list[Due]:
    last = {StreamId(row["stream"]): row["last_at"] for row in rows}
    known = await reader.identities(last)
    held = await holds_on(reader, list(last))
    return [
        Due(
            Session(known[stream].session_id, stream, known[stream].kind, known[stream].session_id),
            time_text(at),
            held.get(stream),
        )
        for stream, at in last.items()
    ]
