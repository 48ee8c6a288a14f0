"""Outcomes of an entry that was submitted to an append."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from app.log.stream_keys import StreamKeys
from domain.ids import StreamId


class Appended(Struct, frozen=True, gc=False):
    """The entry is on disk."""

    partition: int
    version: int
    """Version of the stream after the append."""
    position: int
    """Position of the entry's last event."""
    recorded_at: datetime
    account_name: str | None
    last: UUID
    """Id of the entry's last event."""
    keys: StreamKeys | None
    """Keys of the stream's personal fields; None: the stream has none yet."""


class Unchanged(Struct, frozen=True, gc=False):
    """The entry has no events, and the stream has the expected version."""

    account_name: str | None


class Replayed(Struct, frozen=True, gc=False):
    """An earlier command had the same key and the same fingerprint; nothing was written."""

    stream: StreamId
    """Stream of the first command; `version` is the stream's version after it."""
    version: int


class Overtaken(Struct, frozen=True, gc=False):
    """The stream does not have the expected version; nothing was written."""

    version: int
    """The stream's present one."""


class KeyTaken(Struct, frozen=True, gc=False):
    """The key was used for another command; nothing was written."""


class AccountMissing(Struct, frozen=True, gc=False):
    """The account that the entry refers to does not exist; nothing was written."""


class HeldBack(Struct, frozen=True, gc=False):
    """Another entry of the same atomic batch prevented the write."""


Outcome = Appended | Unchanged | Replayed | Overtaken | KeyTaken | AccountMissing | HeldBack
"""The outcome of an entry."""
