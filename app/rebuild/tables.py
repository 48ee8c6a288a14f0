"""A view's live table, the fresh one beside it, and the former one: made, locked, swapped."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg

from app.database import versions
from app.database.sql import blocks, statements
from app.log.read import Head
from app.rebuild.dependants import ViewDependedOn, require_independence
from projections.view import WRITTEN, View

SQL = blocks(__file__)
_NOT_KEPT = "no former table of it is kept"


class NoWayBack(Exception):
    """A view has no former table that could be swapped in."""

    def __init__(self, name: str, why: str) -> None:
        """`name`: the view's."""
        super().__init__(f"There is no way back for {name}: {why}")


def fresh(view: View) -> str:
    """The name of a view's fresh table."""
    return f"{view.name}_new"


def former(view: View) -> str:
    """The name of the table that was live before the last swap."""
    return f"{view.name}_old"


def sql(statement: str, view: View) -> str:
    """A statement on a view's tables, whose names cannot be bound as parameters."""
    return statement.format(
        live=view.name, fresh=fresh(view), former=former(view), columns=", ".join(WRITTEN)
    )


async def _run(connection: asyncpg.Connection, script: str) -> None:
    for statement in statements(script):
        await connection.execute(statement)


async def drop_fresh(connection: asyncpg.Connection, view: View) -> None:
    """Drop the fresh table, if there is one."""
    await connection.execute(sql(SQL["drop_fresh"], view))


@asynccontextmanager
async def filling(connection: asyncpg.Connection) -> AsyncIterator[None]:
    """A transaction that writes to fresh tables, and that erasures of what is there wait for.

    What it writes of streams that were read before it, it passes to `erase_folded`.
    """
    async with connection.transaction():
        await connection.execute(SQL["fill"])
        yield


@asynccontextmanager
async def filling_a_snapshot(connection: asyncpg.Connection) -> AsyncIterator[None]:
    """The same in a snapshot: it sees all erasures before it."""
    await connection.execute(SQL["begin_filling"])
    try:
        async with connection.transaction(isolation="repeatable_read"):
            yield
    finally:
        if not connection.is_closed():
            await connection.execute(SQL["end_filling"])


async def last_erasure(connection: asyncpg.Connection) -> str | None:
    """Names the last erasure in the log; None before the first."""
    found: str | None = await connection.fetchval(SQL["last_erasure"])
    return found


async def erase_folded(
    connection: asyncpg.Connection, partition: int, streams: Sequence[UUID], known: str | None
) -> None:
    """Take out of rows that were just written what was erased since they were read.

    `known`: the last erasure as it was before that.
    """
    await connection.execute(SQL["erase_folded"], partition, streams, known)


async def lock(connection: asyncpg.Connection, view: View) -> list[Head]:
    """Lock the heads and the view in the order of the appends, so that neither waits for the other.

    Appends lock views under the head.
    """
    ends = [Head(*row) for row in await connection.fetch(SQL["lock_heads"])]
    await connection.execute(sql(SQL["lock_view"], view))
    return ends


async def replace(connection: asyncpg.Connection, view: View, ends: Sequence[Head]) -> None:
    """Put the fresh table in the place of the live one, which is kept as the former one.

    A later version than the live one goes live by this, and the versions before are kept in step.
    `ends`: the heads, up to which the live one shows the log. Raises ViewDependedOn.
    """
    await require_independence(connection, view)
    renames = await connection.fetch(SQL["renames"], view.name, fresh(view))
    try:
        await _run(connection, sql(SQL["replace"], view))
    except asyncpg.DependentObjectsStillExistError as error:
        raise ViewDependedOn(former(view), [str(error.detail)]) from error
    for row in renames:
        await connection.execute(row["statement"])
    await connection.execute(SQL["forget_positions"], view.name)
    await connection.execute(SQL["in_step"], view.name)
    if view in await versions.awaited(connection.fetch):
        await connection.execute(sql(SQL["drop_former"], view))
        await versions.go_live(connection, view)
        return
    at = [end.partition for end in ends], [end.position for end in ends]
    await connection.execute(SQL["keep_positions"], view.name, *at)


async def make_fresh(connection: asyncpg.Connection, view: View) -> None:
    """Make an empty copy of a view's table, with its owner, parameters and grants.

    Of the indexes it has only the one that finds a stream's row.
    """
    async with connection.transaction():
        await versions.restore(connection, view)
        await drop_fresh(connection, view)
        await _run(connection, sql(SQL["make_fresh"], view))
        await connection.execute(SQL["place"], fresh(view), view.name)
        statements = await connection.fetch(SQL["ungranted"], fresh(view))
        for left_out in ("parameters", "grants", "identity", "owner"):
            statements += await connection.fetch(SQL[left_out], view.name, fresh(view))
        for row in statements:
            await connection.execute(row["statement"])
        await make_indexes(connection, view, only_key=True)


async def make_indexes(
    connection: asyncpg.Connection, view: View, *, only_key: bool = False
) -> None:
    """Make the indexes that the live table has and the fresh one has not."""
    for row in await connection.fetch(SQL["missing_indexes"], view.name, fresh(view), only_key):
        await connection.execute(row["statement"])


async def kept(connection: asyncpg.Connection, view: View) -> list[Head]:
    """The positions up to which the former table was live; empty if there is none."""
    return [Head(*row) for row in await connection.fetch(SQL["kept"], view.name)]


async def take_former(connection: asyncpg.Connection, view: View) -> list[Head]:
    """Take the former table as the fresh one; returns the positions that it stands for.

    Raises NoWayBack.
    """
    positions = await kept(connection, view)
    if not positions:
        raise NoWayBack(view.name, _NOT_KEPT)
    await put_former_back(connection, view)
    shapes = [await connection.fetch(SQL["columns"], name) for name in (view.name, former(view))]
    if not shapes[1]:
        raise NoWayBack(view.name, f"{former(view)} was dropped")
    if shapes[0] != shapes[1]:
        raise NoWayBack(view.name, f"{former(view)} has other columns than {view.name}")
    await _run(connection, sql(SQL["take_former"], view))
    return positions


async def drop_former(connection: asyncpg.Connection, view: View) -> None:
    """Drop the former table: there is no way back then. Raises NoWayBack or ViewDependedOn."""
    async with connection.transaction():
        await put_former_back(connection, view)
        if not await kept(connection, view):
            raise NoWayBack(view.name, _NOT_KEPT)
        await connection.execute(SQL["forget_positions"], view.name)
        try:
            await connection.execute(sql(SQL["drop_former"], view))
        except asyncpg.DependentObjectsStillExistError as error:
            raise ViewDependedOn(former(view), [str(error.detail)]) from error


async def put_former_back(connection: asyncpg.Connection, view: View) -> None:
    """Give the former table its name back if a broken-off way back left it as the fresh one."""
    if await connection.fetchval(sql(SQL["is_away"], view), view.name):
        await connection.execute(sql(SQL["put_former_back"], view))
