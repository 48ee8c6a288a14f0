"""UUIDs, fresh and from text: asyncpg's type, which hashes and prints without a Python call."""

from collections.abc import Callable
from uuid import UUID

from asyncpg.pgproto import pgproto
from uuid_utils import uuid7


def new_uuid() -> UUID:
    """A fresh UUIDv7: later ones sort later, so that a scan by stream reads in order."""
    drawn: UUID = pgproto.UUID(uuid7().bytes)
    return drawn


uuid_of: Callable[[str], UUID] = pgproto.UUID
"""The UUID that a canonical text spells."""
