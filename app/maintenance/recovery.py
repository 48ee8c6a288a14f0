"""Reads on a hot standby, whose recovery cancels statements that are in its way."""

from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

import asyncpg

T = TypeVar("T")
_TRIES = 5
_ENDED = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError)


class RecoveryConflict(Exception):
    """A standby cancelled a read again and again, or ended the connection."""

    def __init__(self, error: BaseException) -> None:
        """`error`: the standby's error."""
        super().__init__(
            "The standby cancelled what was read, because it was in the way of what the standby "
            f"has to take over ({error}): try again, raise max_standby_streaming_delay there, or "
            "ask the primary"
        )


async def again_after_conflict(
    connection: asyncpg.Connection, look: Callable[[], Awaitable[T]]
) -> T:
    """The result of `look`, which begins anew in a new snapshot after a conflict.

    Raises RecoveryConflict, or what `look` raises.
    """
    tries = 0
    while True:
        tries += 1
        try:
            return await look()
        except _ENDED as error:
            conflict = next((each for each in _causes(error) if _is_conflict(each)), None)
            if conflict is None:
                raise
            if tries == _TRIES or connection.is_closed():
                raise RecoveryConflict(conflict) from error


def _is_conflict(error: BaseException) -> bool:
    """Whether it reports a conflict: a mere reader gets this error for nothing else."""
    return isinstance(error, asyncpg.SerializationError)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    # Ending a transaction on a broken connection fails with an error of its own.
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
