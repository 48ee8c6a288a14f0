"""Looking at a hot standby, whose recovery cancels what is in its way."""

from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

import asyncpg

T = TypeVar("T")
_TRIES = 5
_ENDED = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError)


class RecoveryConflict(Exception):
    """A standby cancelled what was read again and again, or ended the connection."""

    def __init__(self, error: BaseException) -> None:
        """`error`: what the standby said."""
        super().__init__(
            "The standby cancelled what was read, because it was in the way of what the standby "
            f"has to take over ({error}): try again, raise max_standby_streaming_delay there, or "
            "ask the primary"
        )


async def again_after_conflict(
    connection: asyncpg.Connection, look: Callable[[], Awaitable[T]]
) -> T:
    """What a look at a database gives; begun anew, in a new snapshot, after a conflict.

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
    """Of who only looks, nothing else is told so."""
    return isinstance(error, asyncpg.SerializationError)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    # A transaction that cannot be ended on a broken connection fails with an error of its own.
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
