"""Which streams wait in a follower's quarantine: readers are told that these are stale there."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from app.database.sql import blocks
from app.history.moments import Cut
from app.log.read import Asks
from domain.ids import StreamId

SQL = blocks(__file__)


class Quarantined(Struct, frozen=True, kw_only=True):
    """A stream's quarantine in one follower."""

    follower: str
    position: str
    """Of the first event that waits: `0:17`. What the follower made of earlier ones is there."""
    since: datetime


async def quarantine_of(store: Asks, partition: int, stream: StreamId) -> list[Quarantined]:
    """The followers in which a stream waits. Raises StoreDown."""
    return [
        Quarantined(
            follower=row["follower"],
            position=f"{row['partition']}:{row['position']}",
            since=row["since"],
        )
        for row in await store.ask(SQL["of_stream"], partition, stream)
    ]


async def stale_before(store: Asks, cut: Cut, views: Sequence[str]) -> int:
    """How many streams histories of views have only up to somewhere before a cut.

    Raises StoreDown.
    """
    (row,) = await store.ask(SQL["before"], list(cut), list(views))
    return int(row["streams"])
