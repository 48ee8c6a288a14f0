"""A log of many events, written past the append and followed."""

from uuid import UUID

import asyncpg

from app.database.sql import blocks
from app.service import Service
from support.deep import unchecked
from support.histories import catch_up

SQL = blocks(__file__)
DEEP = UUID("00000000-0000-7000-8000-00000000000d")


async def write(owner: asyncpg.Connection, events: int) -> None:
    """Fill an empty log of one partition."""
    await unchecked(owner)
    await owner.execute(SQL["width"])
    await owner.execute(SQL["events"].replace("$1", str(events)))
    await owner.execute(SQL["head"].replace("$1", str(events)))
    await owner.execute("ANALYZE")


async def write_deep(owner: asyncpg.Connection, events: int) -> None:
    """Fill an empty log of one partition with one stream."""
    await unchecked(owner)
    await owner.execute(SQL["deep"].replace("$1", str(events)))
    await owner.execute(SQL["head"].replace("$1", str(events)))


async def follow(service: Service, owner: asyncpg.Connection) -> None:
    """Let its histories and its index be made."""
    await catch_up(service)
    await owner.execute("ANALYZE")
