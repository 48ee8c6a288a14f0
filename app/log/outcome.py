"""What can become of an entry that an append was to write."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from app.log.keyring import StreamCipher
from domain.ids import StreamId


class Appended(Struct, frozen=True):
    """The entry is on disk."""

    partition: int
    version: int
    """Of the stream afterwards."""
    position: int
    """Of the entry's last event."""
    recorded_at: datetime
    account_name: str | None
    last: UUID
    """Id of the entry's last event."""
    cipher: StreamCipher | None
    """Of the stream's personal fields; None: it has none yet."""


class Unchanged(Struct, frozen=True):
    """The entry has no events, and the stream is as it expects it."""

    account_name: str | None


class Replayed(Struct, frozen=True):
    """An earlier command had the same key and the same fingerprint; nothing was written."""

    stream: StreamId
    """That of the first command, and its version then."""
    version: int


class Overtaken(Struct, frozen=True):
    """The stream is not as the entry expects it; nothing was written."""

    version: int
    """The stream's present one."""


class KeyTaken(Struct, frozen=True):
    """The key was used for another command; nothing was written."""


class AccountMissing(Struct, frozen=True):
    """The account that the entry refers to is not there; nothing was written."""


class HeldBack(Struct, frozen=True):
    """Others of the same batch kept the entry from being written."""


Outcome = Appended | Unchanged | Replayed | Overtaken | KeyTaken | AccountMissing | HeldBack
"""What became of an entry."""
