"""The versions that a stream had at positions of its partition, however deep it is."""

from collections.abc import Sequence

from app.database.sql import blocks
from app.log.read import Asks
from domain.ids import StreamId

SQL = blocks(__file__)


async def versions_at(
    store: Asks, partition: int, stream: StreamId, positions: Sequence[int]
) -> list[int] | None:
    """A stream's last version up to each position, 0 if it began later; None without any events.

    The time hardly depends on the stream's depth. Raises StoreDown.
    """
    rows = await store.ask(SQL["versions_at"], partition, stream, list(positions))
    return [row["version"] for row in rows] or None
