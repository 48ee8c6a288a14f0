"""Checks and corrects the rights in the database of the service's role and of PUBLIC."""

from collections.abc import Sequence

import asyncpg

import migrations
from app.database.sql import blocks
from app.settings import SERVICE_ROLE
from projections import catalog

_GUARDED = (
    "log_partition", "stored_events", "stream_key", "idempotency_key", "log_setting",
    "schema_migration", "number_drawn", "follower_checkpoint", "event_index", "rebuild",
    "rebuild_range", "rebuild_ask", "view_version", "view_behind", "view_kept", "quarantine",
    "activity", "activity_actor", "history_reach", "person_term", "term_to_forget", "tree",
    "tree_tile", "log_checkpoint", "signing_key", "receipt",
)  # fmt: skip
"""Tables beside the views' that change by the functions of the database alone."""
SQL = blocks(migrations.__file__.replace("__init__", "rights"))


async def amiss(connection: asyncpg.Connection) -> Sequence[str]:
    """The wrong rights, in words; changes nothing."""
    return [row["what"] for row in await _found(connection)]


async def put_right(connection: asyncpg.Connection) -> Sequence[str]:
    """Correct the role and its rights; returns in words the rights that were wrong.

    Raises asyncpg.InsufficientPrivilegeError if the login may not. PostgreSQL skips, with a
    warning, a grant that the login may not give: call `amiss` again to find out.
    """
    found = await _found(connection)
    for row in found:
        await connection.execute(row["statement"])
    return [row["what"] for row in found]


async def _found(connection: asyncpg.Connection) -> Sequence[asyncpg.Record]:
    rows: Sequence[asyncpg.Record] = await connection.fetch(
        SQL["amiss"], SERVICE_ROLE, catalog.tables()
    )
    return rows


async def beyond_service(
    connection: asyncpg.Connection, role: str | None = None
) -> tuple[str | None, Sequence[str]]:
    """A role, or the login of the connection, and its rights that nobody needs to serve, in words.

    The name is None if there is no such role.
    """
    guarded = [*_GUARDED, *catalog.tables()]
    for found in await connection.fetch(SQL["beyond_service"], guarded, role):
        return found["login"], found["found"]
    return None, []


async def let_log_in(connection: asyncpg.Connection, verifier: str | None) -> None:
    """Let the role of the service log in, with a password if its verifier is given.

    Raises asyncpg.InsufficientPrivilegeError if the connection's login may not.
    """
    await connection.execute(await connection.fetchval(SQL["let_log_in"], SERVICE_ROLE, verifier))
