"""A reader's place in the log, and whether the log still has what was read up to there.

A position alone does not tell: after a restore of an older backup, other events come to stand where
lost ones stood. An event's id is of it alone, and within a partition nothing ever changes below it.
So the ids of the last events that a reader got show that all before them is as it was read.
"""

from collections.abc import Mapping
from uuid import UUID

from msgspec import Struct

from app.database.sql import blocks
from app.history.moments import Cut
from app.log.read import Asks

SQL = blocks(__file__)


class CursorLost(Exception):
    """What a reader had got is not in the log: it is another one, or lost its last events."""

    def __init__(self, read: Mapping[int, int]) -> None:
        """`read`: the last position of each partition that the reader has."""
        places = ",".join(f"{partition}:{position}" for partition, position in read.items())
        super().__init__(
            f"The log does not have the events that were read up to {places}: an older backup was "
            "restored, or a standby took over that lacked them. Go on after the last event "
            "that is still there under its id"
        )


class Cursor(Struct, frozen=True):
    """The last position of each partition that a reader has, and the ids of the events there."""

    cut: Cut
    ids: Mapping[int, UUID]
    """By partition, where there is an event."""

    def moved(self, partition: int, position: int, event_id: UUID) -> "Cursor":
        """The cursor after one more event."""
        cut = (*self.cut[:partition], position, *self.cut[partition + 1 :])
        return Cursor(cut, {**self.ids, partition: event_id})


async def cursor_at(store: Asks, cut: Cut) -> Cursor:
    """The cursor of a reader that has all events of a cut as they are now. Raises StoreDown."""
    return Cursor(cut, await ids_at(store, dict(enumerate(cut))))


async def require_there(store: Asks, cursor: Cursor) -> None:
    """Raise CursorLost if the log has not what was read up to a cursor, or StoreDown."""
    if await ids_at(store, dict(enumerate(cursor.cut))) != cursor.ids:
        raise CursorLost(dict(enumerate(cursor.cut)))


async def ids_at(store: Asks, positions: Mapping[int, int]) -> dict[int, UUID]:
    """The ids of the events at positions, by partition, as far as there are any."""
    rows = await store.ask(SQL["ids"], list(positions), list(positions.values()))
    return {row["partition"]: row["event_id"] for row in rows}
