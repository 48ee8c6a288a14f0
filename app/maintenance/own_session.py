"""Commands that hold a lock for as long as their session lasts need a session of their own.

Behind pgbouncer in transaction mode, each transaction may have another session: the lock would be
held by a session that serves others, and stay there when the command ends.
"""

from app.database.sql import blocks
from app.maintenance.store import Connection
from app.maintenance.urls import UnusableDatabase

SQL = blocks(__file__)


async def has_own_session(store: Connection) -> bool:
    """Whether a connection is one to the server itself; a pooler gives processes other numbers."""
    process: int = await store.raw.fetchval(SQL["process"])
    return process == store.raw.get_server_pid()


async def require_own_session(store: Connection) -> None:
    """Raise UnusableDatabase for a connection through a pooler."""
    if not await has_own_session(store):
        raise UnusableDatabase(
            "The database is reached through a pooler, and this command needs a session of its "
            "own: give the owner's connection to PostgreSQL itself as --owner-url"
        )
