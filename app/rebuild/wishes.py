"""What is recorded for an operator process to carry out, and how far what is no rebuild is."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg
from msgspec import Struct

from app.database.sql import blocks
from app.history.followed import FOLLOWERS
from app.rebuild.runs import RebuildStopped
from projections.catalog import VIEWS

SQL = blocks(__file__)


class Wish(Struct, frozen=True):
    """Something recorded for an operator process to carry out."""

    id: UUID
    kind: str
    """`rebuild` of views, `refill` of followers, `back` to former tables, `redrive`."""
    views: Sequence[str]
    """Or followers."""
    stream: UUID | None
    dry_run: bool
    is_to_end: bool
    """Whether it was begun, and is to end without a result."""
    done: Sequence[str]
    """What of `views` was done before another process was killed; not of a rebuild."""


async def interrupted(connection: asyncpg.Connection, rebuild: UUID) -> None:
    """Note that nobody works on a rebuild or a refill for now."""
    await connection.execute(SQL["interrupted"], rebuild)


async def finish(
    connection: asyncpg.Connection, wish: UUID, state: str, failure: str | None = None
) -> None:
    """Keep the last state of what is no rebuild; what is done of it stays on record."""
    await connection.execute(SQL["finish"], wish, state, failure)


async def start(connection: asyncpg.Connection, wish: UUID) -> bool:
    """Begin what is no rebuild; false if somebody has asked for its end."""
    return await connection.fetchval(SQL["start"], wish) is not None


async def progress(connection: asyncpg.Connection, wish: UUID, words: str) -> None:
    """Note how far what is no rebuild is. Raises RebuildStopped if somebody asked for that."""
    asked = await connection.fetchval(SQL["progress"], wish, words)
    if asked is not None:
        raise RebuildStopped(asked)


async def part_done(
    connection: asyncpg.Connection, wish: UUID, part: str, events: int | None
) -> None:
    """Keep that a part is done, in its transaction; `events`: how many it shows, if known."""
    await connection.execute(SQL["part_done"], wish, part, events)


async def next_wish(connection: asyncpg.Connection) -> Wish | None:
    """The next one for an operator process."""
    row = await connection.fetchrow(SQL["next"], [*(view.name for view in VIEWS), *FOLLOWERS])
    return None if row is None else Wish(*row)
