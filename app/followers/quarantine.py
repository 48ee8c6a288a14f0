"""Streams of which a follower cannot take up an event; they wait there until they are redriven."""

import logging
from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from app.database.pool import Pool
from app.database.sql import blocks
from app.log.audited import AuditedEvent
from app.log.read import Asks
from domain.ids import StreamId

SQL = blocks(__file__)
_ERROR_CHARACTERS = 1_000
_LOG = logging.getLogger("sessionary")


class Failure(Struct, frozen=True):
    """The first event of a stream that a follower cannot take up."""

    stream: StreamId
    version: int
    position: int
    error: str


class Waiting(Struct, frozen=True):
    """A stream in quarantine that is to be redriven."""

    partition: int
    stream: StreamId
    version: int
    """Of the first event that waits."""
    position: int
    """Of the same."""
    reached: int
    """Position up to which the follower is done with the other streams."""


def failure(event: AuditedEvent, why: object) -> Failure:
    """An event that cannot be taken up."""
    return Failure(event.stream, event.version, event.position, _words(why))


def next_of(
    failures: Sequence[Failure], then: AuditedEvent | None
) -> tuple[int | None, int | None, str | None]:
    """Where a redriven stream goes on, as `redrive_1` takes it: at its first failure, or at `then`.

    Position, version, and the reason if it failed there.
    """
    if failures:
        first = failures[0]
        return first.position, first.version, first.error
    return (None, None, None) if then is None else (then.position, then.version, None)


def say(follower: str, failures: Sequence[Failure]) -> None:
    """Log streams that were put into quarantine."""
    for each in failures:
        _LOG.warning(
            "%s cannot take up version %s of stream %s, which waits in quarantine: %s",
            follower, each.version, each.stream, each.error,
        )  # fmt: skip


def arrays(failures: Sequence[Failure]) -> list[list[object]]:
    """The arrays of `quarantine_1`."""
    return [
        [each.stream for each in failures],
        [each.version for each in failures],
        [each.position for each in failures],
        [each.error for each in failures],
    ]


async def held(store: Asks, follower: str) -> set[StreamId]:
    """The streams that wait. Raises StoreDown."""
    return {row["stream_id"] for row in await store.ask(SQL["held"], follower)}


async def asked(store: Asks, follower: str) -> list[Waiting]:
    """The streams that somebody wants to have redriven. Raises StoreDown."""
    return [Waiting(*row) for row in await store.ask(SQL["asked"], follower)]


async def keep(store: Pool, follower: str, waiting: Waiting, why: object, token: int) -> None:
    """Keep a stream in quarantine whose first event failed again. Raises StoreDown."""
    await store.ask(
        SQL["stays"], waiting.partition, follower, token, waiting.reached, waiting.stream,
        waiting.position, waiting.version, _words(why), writes=True,
    )  # fmt: skip


async def ask_redrive(store: Asks, follower: str | None, stream: UUID | None = None) -> int:
    """Ask for a stream, for all of a follower, or of all, to be redriven; how many these are."""
    return len(await store.ask(SQL["ask"], follower, stream))


async def unanswered(store: Asks, follower: str | None) -> int:
    """How many streams are still to be tried."""
    (row,) = await store.ask(SQL["unanswered"], follower)
    return int(row["streams"])


async def left(store: Asks, follower: str | None, stream: UUID | None = None) -> int:
    """How many of these streams wait."""
    (row,) = await store.ask(SQL["left"], follower, stream)
    return int(row["streams"])


def _words(why: object) -> str:
    # (Further lines of a database's error may hold values. It takes no zero characters itself.)
    return str(why).partition("\n")[0].replace("\0", "\\0")[:_ERROR_CHARACTERS]
