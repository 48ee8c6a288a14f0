"""A follower's own part: what it makes of the events."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from msgspec import Raw

from app.followers.quarantine import Waiting
from app.log.audited import AuditedEvent
from domain.ids import StreamId


class Read(Protocol):
    """What every follower needs to know of an event."""

    @property
    def position(self) -> int:
        """In its partition."""

    @property
    def metadata(self) -> Raw | Sequence[bytes]:
        """JSON object; or those of several events that were read as one."""


B = TypeVar("B")
E = TypeVar("E", bound=Read)
_E = TypeVar("_E", bound=Read, contravariant=True)


class Work(Protocol[B, _E]):
    """What one follower does with the events."""

    name: str
    """Of its checkpoint; its lease is called `follow_` and this."""
    held: set[StreamId]
    """Streams in quarantine: their events wait. `prepare` and `write` add to it."""

    async def prepare(self, partition: int, events: Sequence[_E]) -> tuple[B, int]:
        """A batch of the first events, one or more, and the position of the last of these.

        The batch before it may not be written yet. Raises StoreDown.
        """

    async def write(self, partition: int, after: int, upto: int, batch: B, token: int) -> bool:
        """Write a batch, its streams for the quarantine and the checkpoint, all or nothing.

        False if another follower has moved the checkpoint, or if the log has not the batch's last
        event, as after a restore. All earlier batches are written. Raises StoreDown, after which
        this one may be, too.
        """

    async def redrive(
        self,
        waiting: Waiting,
        events: Sequence[AuditedEvent],
        then: AuditedEvent | None,
        token: int,
    ) -> None:
        """Take up the first events of a stream in quarantine, and move it there up to the next.

        `then`: the one after `events`; without any, the stream leaves the quarantine. Changes
        nothing if another follower works. Raises StoreDown, or asyncpg's errors.
        """

    def leave_out(self, event: _E, why: Exception) -> None:
        """Leave out whatever of an event the database refuses to hold."""

    def forget(self) -> None:
        """Forget what earlier batches left in memory: others write now."""
