"""What is fixed when a log is made: its partitions, its name, and the kind of its tables."""

from secrets import token_hex

import asyncpg
from msgspec import Struct

from app.database import distribution
from app.database.errors import SchemaError
from app.database.sql import blocks

SQL = blocks(__file__)


class NewLog(Struct, frozen=True, kw_only=True):
    """What a log must be like; a log that is there keeps what is None here."""

    partitions: int | None = None
    """None: a new log gets one."""
    name: str | None = None
    """None: a new log draws one."""
    distributed: bool = False
    """Whether its tables must be distributed over the nodes of Citus; if not, they may be."""


async def make(connection: asyncpg.Connection, log: NewLog, *, is_new: bool) -> bool:
    """Give a log that is made just now what it keeps; whether its tables are distributed.

    Raises SchemaError if the log is there and is not so, or cannot be made so.
    """
    await connection.execute(SQL["make_heads"], log.partitions or 1)
    await connection.execute(SQL["name_log"], log.name or f"sessionary-{token_hex(6)}")
    if is_new and log.distributed:
        await connection.execute(SQL["mark_distributed"])
    await require_made_so(connection, log)
    is_distributed = await distribution.is_distributed(connection.fetch)
    if is_distributed:
        await distribution.distribute(connection)
    return is_distributed


async def require_made_so(connection: asyncpg.Connection, log: NewLog) -> None:
    """Raise SchemaError if the log has other partitions, another name, or plain tables."""
    found = await connection.fetchval(SQL["partitions"])
    if log.partitions not in (None, found):
        raise SchemaError(
            f"The log has {found} partition{'s' * (found != 1)}, and which one a stream is in was "
            f"fixed when it was made: it cannot have {log.partitions}"
        )
    name = await connection.fetchval(SQL["log_name"])
    if log.name not in (None, name):
        raise SchemaError(
            f"The log is called {name}, and its checkpoints are signed under that name, which was "
            f"fixed when it was made: it cannot be called {log.name}"
        )
    if log.distributed and not await distribution.is_distributed(connection.fetch):
        raise SchemaError(
            "The log was made with plain tables, which stay so: export it, and import it into one "
            "that `sessionary migrate --distributed` has made"
        )
