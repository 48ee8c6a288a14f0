"""The leaf of an event: the bytes of all its columns, which its hash in the tree is made of.

Only the standard library is imported: this is a part of the verifier that is handed out.
"""

import struct
from typing import NamedTuple
from uuid import UUID

from app.proof.trees import Unproven

LEAF_FORM = b"sessionary/event/v1"
_HEAD = struct.Struct(">QqQqQ16sQqQ")
_MIDDLE = struct.Struct(">Q16sQqQ")
_LENGTH = struct.Struct(">Q")


class Event(NamedTuple):
    """All columns of an event, in the order of its leaf."""

    partition: int
    position: int
    stream: UUID
    version: int
    topic: str
    state: bytes
    """As stored: personal fields are sealed."""
    event_id: UUID
    recorded_at_us: int
    """Microseconds since 1970 in UTC."""
    actor: str
    metadata: str
    """As PostgreSQL writes it as text."""


def leaf_data(
    *,
    partition: int,
    position: int,
    stream: UUID,
    version: int,
    topic: str,
    state: bytes,
    event_id: UUID,
    recorded_at_us: int,
    actor: str,
    metadata: str,
) -> bytes:
    """The leaf of an event: the name of the form, then each column behind its length (8 bytes)."""
    return packed(
        partition, position, stream.bytes, version, topic.encode(), state, event_id.bytes,
        recorded_at_us, actor.encode(), metadata.encode(),
    )  # fmt: skip


Columns = tuple[int, int, bytes, int, bytes, bytes, bytes, int, bytes, bytes]
"""An event's columns in the same order, texts in UTF-8 and ids as their 16 bytes."""


def packed(
    partition: int, position: int, stream: bytes, version: int, topic: bytes, state: bytes,
    event_id: bytes, recorded_at_us: int, actor: bytes, metadata: bytes, begin: bytes = LEAF_FORM,
) -> bytes:  # fmt: skip
    """A leaf from the columns' bytes, behind the name of its form or another beginning."""
    return b"".join((
        begin,
        _HEAD.pack(8, partition, 8, position, 16, stream, 8, version, len(topic)), topic,
        _LENGTH.pack(len(state)), state,
        _MIDDLE.pack(16, event_id, 8, recorded_at_us, len(actor)), actor,
        _LENGTH.pack(len(metadata)), metadata,
    ))  # fmt: skip


def read_leaf(data: bytes) -> Event:
    """The event of a leaf. Raises Unproven."""
    at, columns = len(LEAF_FORM), list[bytes]()
    try:
        while at < len(data):
            (length,) = _LENGTH.unpack_from(data, at)
            columns.append(data[at + 8 : at + 8 + length])
            at += 8 + length
        partition, position, stream, version, topic, state, event_id, at_us, actor, more = columns
        event = Event(
            _integer(partition), _integer(position), UUID(bytes=stream), _integer(version),
            topic.decode(), state, UUID(bytes=event_id), _integer(at_us), actor.decode(),
            more.decode(),
        )  # fmt: skip
        if leaf_data(**event._asdict()) == data:
            return event
    except (ValueError, OverflowError, struct.error):
        pass
    raise Unproven("The data is not the leaf of an event")


def _integer(column: bytes) -> int:
    return int.from_bytes(column, "big", signed=True)
