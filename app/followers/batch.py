"""Batches that a function of the database takes up, with those streams that go into quarantine."""

from collections.abc import Sequence
from typing import Any, Protocol
from uuid import UUID

from app.database.pool import Pool
from app.followers.quarantine import Failure, Waiting, arrays, next_of, say
from app.log.audited import AuditedEvent


class Batch(Protocol):
    """What a partition's next events add to a follower's tables."""

    @property
    def last(self) -> UUID | None:
        """Id of the last event."""

    @property
    def failures(self) -> Sequence[Failure]:
        """The streams for the quarantine."""

    def arguments(self) -> list[list[Any]]:
        """The arrays of the follower's own function."""


async def write(
    pool: Pool, statement: str, name: str, partition: int, token: int,
    after: int, upto: int, batch: Batch,
) -> bool:  # fmt: skip
    """Write a batch of the follower `name`, as `Work.write` does, by its statement."""
    rows = await pool.ask(
        statement, partition, token, after, upto, batch.last, *batch.arguments(),
        *arrays(batch.failures), writes=True,
    )  # fmt: skip
    if done := bool(rows[0]["done"]):
        say(name, batch.failures)
    return done


async def redrive(
    pool: Pool,
    statement: str,
    waiting: Waiting,
    token: int,
    then: AuditedEvent | None,
    batch: Batch,
) -> None:
    """Write a batch of a stream in quarantine, as `Work.redrive` does, by its statement."""
    await pool.ask(
        statement, waiting.partition, token, waiting.reached, waiting.stream,
        waiting.position, *next_of(batch.failures, then), *batch.arguments(), writes=True,
    )  # fmt: skip
