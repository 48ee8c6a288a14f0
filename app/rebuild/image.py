"""Rows of views in the binary form of COPY.

What a row takes over from the log has that form when PostgreSQL sends it, and need not be decoded.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

Images = dict[str, list[bytes]]
"""Rows to write, by view."""
_BEGIN = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END = b"\xff\xff"
_NULL = b"\xff\xff\xff\xff"
_ROW = (
    b"\0\x0a"  # the ten columns of `projections.view.WRITTEN`, each after its length
    b"\0\0\0\x10%b\0\0\0\x04%b\0\0\0\x08%b\0\0\0\x08%b%b\0\0\0\x08%b%b\0\0\0\x08%b%b%b"
)
_JSONB_VERSION = b"\x01"
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)
_ACTORS = 1_024


def image(
    stream: UUID, partition: int, version: int, position: bytes,
    created_by: bytes, created_at: bytes, modified_by: bytes, modified_at: bytes,
    doc: bytes, search: str | None,
) -> bytes:  # fmt: skip
    """A row; positions and times are as PostgreSQL sends them, and actors are of `actor`."""
    return _ROW % (
        stream.bytes, partition.to_bytes(4, "big"), version.to_bytes(8, "big"), position,
        created_by, created_at, modified_by, modified_at,
        _jsonb(doc), _NULL if search is None else _jsonb(search.encode()),
    )  # fmt: skip


def image_of(row: Sequence[Any]) -> bytes:
    """A row from its values for the columns of WRITTEN."""
    stream, partition, version, position, created_by, created_at, by, at, doc, search = row
    return image(
        stream, partition, version, position.to_bytes(8, "big"),
        actor(created_by), _time(created_at), actor(by), _time(at), doc.encode(), search,
    )  # fmt: skip


def copied(images: Sequence[bytes]) -> bytes:
    """Rows as COPY takes them."""
    return b"".join((_BEGIN, *images, _END))


def _time(at: datetime) -> bytes:
    return ((at - _EPOCH) // _TICK).to_bytes(8, "big", signed=True)


def actor(name: str) -> bytes:
    """The name of an actor."""
    value = name.encode()
    return len(value).to_bytes(4, "big") + value


@lru_cache(_ACTORS)
def first_and_last(actors: str, events: int) -> tuple[bytes, bytes]:
    """Two of a stream's actors, of which each line names one. Raises ValueError for more lines."""
    names = actors.split("\n")
    if len(names) != events:
        raise ValueError("the name of an actor has several lines")
    return actor(names[0]), actor(names[-1])


def _jsonb(text: bytes) -> bytes:
    value = _JSONB_VERSION + text
    return len(value).to_bytes(4, "big") + value
