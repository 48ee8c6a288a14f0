"""What is known of rebuilds in the database: how far they are, what was found, what was asked."""

import asyncio
from collections.abc import Collection, Sequence
from importlib.metadata import version
from uuid import UUID, uuid4

import asyncpg
import msgspec
from msgspec import Struct

from app.database.sql import blocks
from app.log.read import Head

SQL = blocks(__file__)
UNFINISHED = ("waiting", "running", "comparing")
EVENTS_PER_RANGE = 100_000
_SAMPLE = 20_000
"""Events whose streams say where ranges end."""
_WAIT_S = 0.02
_LAST_STREAM = UUID(int=2**128 - 1)


class RebuildStopped(Exception):
    """Somebody asked for a pause or for the end of a rebuild."""

    def __init__(self, asked: str) -> None:
        """`asked`: `pause` or `cancel`."""
        self.asked = asked
        super().__init__(
            "The rebuild is paused: run it again to go on"
            if asked == "pause"
            else "The rebuild is cancelled, and the views are as they were"
        )


class Overtaken(Exception):
    """Another process works on the rebuild by now."""

    def __init__(self) -> None:
        """The message is for the operator of this one."""
        super().__init__("another process works on this rebuild by now")


class Run(Struct, frozen=True):
    """A process's work on a rebuild."""

    id: UUID
    number: int
    """A later run overtakes an earlier one."""


class Range(Struct, frozen=True):
    """Streams of a partition, after one and up to another, as of a position."""

    number: int
    partition: int
    reached: UUID
    last: UUID
    until: int


class Done(Struct, frozen=True):
    """How far a partition is folded."""

    partition: int
    until: int
    """The position that the folded rows stand for."""
    events: int
    """Those folded so far."""

    def __str__(self) -> str:
        """The position, and what it takes."""
        return f"{self.partition}:{self.until}: {self.events} of {self.until} events are folded"


async def write_lazily(connection: asyncpg.Connection) -> None:
    """Do not wait for the disk: what is made can be made again."""
    await connection.execute(SQL["lazily"])


async def write_durably(connection: asyncpg.Connection) -> None:
    """Wait for the disk again: with the next write, for all that was before it."""
    await connection.execute(SQL["durably"])


async def begin(
    connection: asyncpg.Connection, views: Collection[str], heads: Sequence[Head], *, dry_run: bool
) -> Run:
    """A new rebuild, with its ranges; what was left of others is forgotten."""
    run = Run(uuid4(), 1)
    await forget(connection)
    await connection.execute(SQL["begin"], run.id, list(views), dry_run, version("sessionary"))
    number = 0
    for head in heads:
        ends = await _ends(connection, head)
        starts = [UUID(int=0), *ends[:-1]]
        for start, end in zip(starts, ends, strict=True):
            values = (run.id, number, head.partition, start, end, head.position)
            await connection.execute(SQL["add_range"], *values)
            number += 1
    return run


async def _ends(connection: asyncpg.Connection, head: Head) -> list[UUID]:
    """The last streams of a partition's ranges, which have about the same number of events."""
    count = head.position // EVENTS_PER_RANGE
    if count < 2:
        return [_LAST_STREAM]
    percent = min(100.0, 100.0 * _SAMPLE / head.position)
    rows = await connection.fetch(SQL["sample"].format(percent=percent), head.partition)
    found = [row[0] for row in rows]
    inner = [found[len(found) * nth // count] for nth in range(1, count)] if found else []
    return [*sorted(set(inner)), _LAST_STREAM]


async def resume(
    connection: asyncpg.Connection, views: Collection[str], heads: Sequence[Head], *, dry_run: bool
) -> tuple[Run | None, list[Done]]:
    """An unfinished rebuild of the same views to go on with, and how far it is; None without one.

    A log that ends before the rebuild's positions was replaced: nothing is gone on with there.
    """
    found = await connection.fetchrow(SQL["resume"], list(views), version("sessionary"), dry_run)
    if found is None:
        return None, []
    done = [Done(*row) for row in await connection.fetch(SQL["done"], found["id"])]
    ends = {head.partition: head.position for head in heads}
    if {each.partition for each in done} != set(ends) or any(
        each.until > ends[each.partition] for each in done
    ):
        return None, []
    return Run(found["id"], found["run"]), done


async def forget(connection: asyncpg.Connection) -> None:
    """Drop what is known of unfinished rebuilds."""
    await connection.execute(SQL["forget"])


async def claim(connection: asyncpg.Connection, run: Run) -> Range | None:
    """A range to fold, which no other worker of this run gets; None if all are done or taken."""
    while True:
        row = await connection.fetchrow(SQL["claim"], run.id, run.number)
        if row is not None:
            return Range(*row)
        if not await connection.fetchval(SQL["unclaimed"], run.id, run.number):
            return None
        await asyncio.sleep(_WAIT_S)  # another one is about to claim or to finish it


async def reach(
    connection: asyncpg.Connection, run: Run, number: int, stream: UUID, events: int
) -> None:
    """Keep how far a range is folded, in the transaction of its rows.

    Raises Overtaken, or RebuildStopped: then the transaction must end without effect.
    """
    row = await connection.fetchrow(SQL["reach"], run.id, run.number, number, stream, events)
    _go_on(row)


async def enter(connection: asyncpg.Connection, run: Run, state: str) -> None:
    """Keep the state. Raises Overtaken, or RebuildStopped."""
    _go_on(await connection.fetchrow(SQL["enter"], run.id, run.number, state))


def _go_on(row: asyncpg.Record | None) -> None:
    if row is None:
        raise Overtaken
    if row["asked"] is not None:
        raise RebuildStopped(row["asked"])


async def end(
    connection: asyncpg.Connection, run: Run, state: str, outcome: Struct | None = None
) -> None:
    """Keep the last state, and what came of it."""
    told = None if outcome is None else msgspec.json.encode(outcome).decode()
    await connection.execute(SQL["end"], run.id, state, told)


async def ask(connection: asyncpg.Connection, asked: str) -> bool:
    """Ask the process that rebuilds for a pause or the end; False if there is no rebuild."""
    return await connection.fetchrow(SQL["ask"], asked) is not None


async def find(
    connection: asyncpg.Connection, run: Run, partition: int, stream: UUID, what: str | None,
    *, damaged: bool,
) -> None:  # fmt: skip
    """Keep the reason why a stream cannot be folded, or a passed-over event."""
    values = (run.id, partition, stream, damaged, what)
    await connection.execute(SQL["find"], *values)


async def findings(
    connection: asyncpg.Connection, run: Run, *, damaged: bool
) -> list[tuple[UUID, str]]:
    """The streams of what was found, and the words."""
    rows = await connection.fetch(SQL["findings"], run.id, damaged)
    return [(row["stream_id"], row["what"]) for row in rows]


async def state(connection: asyncpg.Connection) -> str | None:
    """The state of the last rebuild."""
    found: str | None = await connection.fetchval(SQL["state"])
    return found
