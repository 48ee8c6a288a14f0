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
            else "The rebuild is cancelled, and the tables in use stay"
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
    connection: asyncpg.Connection,
    views: Collection[str],
    heads: Sequence[Head],
    *,
    dry_run: bool,
    wish: UUID | None = None,
) -> Run:
    """A new rebuild, with its ranges; what was left of others is forgotten.

    `wish`: the id of a recorded one that this is. Raises RebuildStopped if that is to end.
    """
    await forget(connection)
    values = (wish or uuid4(), list(views), dry_run, version("sessionary"))
    nth = await connection.fetchval(SQL["begin"], *values)
    if nth is None:
        raise RebuildStopped("cancel")
    run = Run(values[0], nth)
    number = 0
    for head in heads:
        ends = await _ends(connection, head)
        starts = [UUID(int=0), *ends[:-1]]
        for start, end in zip(starts, ends, strict=True):
            part = (run.id, number, head.partition, start, end, head.position)
            await connection.execute(SQL["add_range"], *part)
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
    connection: asyncpg.Connection,
    views: Collection[str],
    heads: Sequence[Head],
    *,
    dry_run: bool,
    wish: UUID | None = None,
) -> tuple[Run | None, list[Done]]:
    """An unfinished rebuild of the same views to go on with, and how far it is; None without one.

    `wish`: as for `begin`. A log that ends before the rebuild's positions was replaced: nothing is
    gone on with there.
    """
    values = (list(views), version("sessionary"), dry_run, wish)
    found = await connection.fetchrow(SQL["resume"], *values)
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


async def enter(
    connection: asyncpg.Connection, run: Run, state: str, phase: str | None = None
) -> None:
    """Keep the state, and the phase in it. Raises Overtaken, or RebuildStopped."""
    _go_on(await connection.fetchrow(SQL["enter"], run.id, run.number, state, phase))


def _go_on(row: asyncpg.Record | None) -> None:
    if row is None:
        raise Overtaken
    if row["asked"] is not None:
        raise RebuildStopped(row["asked"])


async def end(
    connection: asyncpg.Connection,
    rebuild: UUID | None,
    state: str,
    outcome: Struct | None = None,
    failure: Exception | None = None,
) -> None:
    """Keep the last state, and what came of it."""
    told = None if outcome is None else msgspec.json.encode(outcome).decode()
    why = None if failure is None else in_words(failure)
    await connection.execute(SQL["end"], rebuild, state, told, why)


def in_words(error: BaseException) -> str:
    """An error for those who may not see what is stored: others' messages may repeat it."""
    is_ours = type(error).__module__.startswith("app.")
    return str(error) if is_ours else f"{type(error).__name__}: the log of the process says more"


async def ask(connection: asyncpg.Connection, asked: str) -> UUID | None:
    """Ask the process that rebuilds or refills for a pause or the end; None if there is nothing."""
    found: UUID | None = await connection.fetchval(SQL["ask"], asked)
    return found


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


async def kind_and_state(connection: asyncpg.Connection, rebuild: UUID) -> tuple[str, str]:
    """What is on record by this id: `rebuild` or `refill`, and its state."""
    row = await connection.fetchrow(SQL["kind_and_state"], rebuild)
    assert row is not None  # no row is ever removed
    return row["kind"], row["state"]
