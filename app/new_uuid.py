"""Fresh ids."""

from uuid import UUID

from asyncpg.pgproto import pgproto
from uuid_utils import uuid7


def new_uuid() -> UUID:
    """A fresh UUIDv7: later ones sort later, so that a scan by stream reads in order."""
    # asyncpg's own UUIDs hash, print and go to the database without a call into Python.
    drawn: UUID = pgproto.UUID(uuid7().bytes)
    return drawn
