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
    created_by: str, created_at: bytes, modified_by: str, modified_at: bytes,
    doc: str, search: str | None,
) -> bytes:  # fmt: skip
    """A row; positions and times are as PostgreSQL sends them."""
    return _ROW % (
        stream.bytes, partition.to_bytes(4, "big"), version.to_bytes(8, "big"), position,
        _actor(created_by), created_at, _actor(modified_by), modified_at,
        _jsonb(doc), _NULL if search is None else _jsonb(search),
    )  # fmt: skip


def image_of(row: Sequence[Any]) -> bytes:
    """A row from its values for the columns of WRITTEN."""
    stream, partition, version, position, created_by, created_at, by, at, doc, search = row
    return image(
        stream, partition, version, position.to_bytes(8, "big"),
        created_by, _time(created_at), by, _time(at), doc, search,
    )  # fmt: skip


def copied(images: Sequence[bytes]) -> bytes:
    """Rows as COPY takes them."""
    return b"".join((_BEGIN, *images, _END))


def _time(at: datetime) -> bytes:
    return ((at - _EPOCH) // _TICK).to_bytes(8, "big", signed=True)


@lru_cache(_ACTORS)
def _actor(name: str) -> bytes:
    value = name.encode()
    return len(value).to_bytes(4, "big") + value


def _jsonb(text: str) -> bytes:
    value = _JSONB_VERSION + text.encode()
    return len(value).to_bytes(4, "big") + value
