"""Distributes the log's tables over the nodes of Citus, by partition."""

import asyncpg

from app.database.errors import SchemaError
from app.database.pool import Fetch
from app.database.sql import blocks
from app.settings import SERVICE_ROLE
from projections import catalog

SQL = blocks(__file__)


async def require_nodes(connection: asyncpg.Connection) -> None:
    """Raise SchemaError if tables cannot be distributed from here."""
    if not await connection.fetchval(SQL["has_citus"]):
        raise SchemaError(
            "The database has no extension citus, so its tables cannot be distributed: make it "
            "there on each node, and add the nodes (citus_add_node)"
        )
    (nodes,) = await connection.fetch(SQL["nodes"])
    if not nodes["is_coordinator"]:
        raise SchemaError("This node is a worker of Citus: the URL must name the coordinator")
    if not nodes["holders"]:
        raise SchemaError("No node of Citus takes tables: add the workers (citus_add_node)")


async def cut(connection: asyncpg.Connection, partitions: int) -> None:
    """Make a piece of each node's for each partition, before there is a log.

    Tables are distributed along it, all or none. Raises SchemaError as `require_nodes` does.
    """
    await require_nodes(connection)
    await connection.execute(SQL["make_pieces"])
    await connection.fetch(SQL["split"], partitions)


async def is_distributed(fetch: Fetch) -> bool:
    """Whether the log's tables are."""
    return bool((await fetch(SQL["is_distributed"]))[0]["is_distributed"])


async def begin(connection: asyncpg.Connection) -> None:
    """Let the present transaction change distributed tables and their triggers."""
    await connection.execute(SQL["allow"])


async def delegate(connection: asyncpg.Connection) -> None:
    """Let appends run on the nodes that have their partitions, by the service's role."""
    await connection.fetch(SQL["delegate"])
    for row in await connection.fetch(SQL["let_in"], SERVICE_ROLE):
        await connection.execute(row["statement"])


async def distribute(connection: asyncpg.Connection) -> None:
    """Distribute or copy the tables that are not yet."""
    await begin(connection)
    for name, kind in await connection.fetch(SQL["tables"], catalog.tables()):
        if kind == "local" or await connection.fetchval(SQL["is_placed"], name):
            continue
        if kind == "copied":
            await connection.fetch(SQL["copy"], name)
        elif name == "log_partition":
            await connection.fetch(SQL["distribute_heads"])
        else:
            await connection.fetch(SQL["distribute"], name)
    await connection.execute(SQL["drop_pieces"])
