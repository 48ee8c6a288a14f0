"""Folds a page of streams: the same result as `history.streams` for sound ones, several times as
fast.

A page is decrypted, decoded and folded with the least Python an event. A page with anything that is
not as it should be is refused: its streams are then folded one event at a time, by the functions
that say what is wrong.
"""

import time
from collections.abc import Sequence
from typing import Any

import asyncpg
from msgspec import Struct

from app.history.streams import FoldedStream
from app.log import codec
from app.log.keyring import Keyring
from domain.event import kind_of
from domain.stored import EVENTS
from projections.catalog import CURRENT
from projections.fold import Audit, Folded

_KINDS = {topic: kind_of(topic) for topic in EVENTS}


class Unsound(Exception):
    """A page has an event that cannot be read, or that does not follow the one before it."""


class Spent(Struct):
    """Seconds, by what they went to."""

    read: float = 0.0
    decrypt: float = 0.0
    decode: float = 0.0
    fold: float = 0.0
    encode: float = 0.0
    write: float = 0.0

    def add(self, other: "Spent") -> None:
        """Count what another process spent."""
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


def folded_page(
    keyring: Keyring, partition: int, rows: Sequence[asyncpg.Record], spent: Spent
) -> list[FoldedStream]:
    """The streams of a page, in order; rows are those of `scan.sql`, `page`. Raises Unsound."""
    try:
        began = time.thread_time()
        texts = [_texts(keyring, row) for row in rows]
        decrypted = time.thread_time()
        decoders = codec.DECODERS
        events = [
            [decoders[topic](text) for topic, text in zip(row["topics"], those, strict=True)]
            for row, those in zip(rows, texts, strict=True)
        ]
        decoded = time.thread_time()
        folded = [_folded(partition, row, those) for row, those in zip(rows, events, strict=True)]
    except Exception as error:  # damaged events may fail with any error
        raise Unsound from error
    spent.decrypt += decrypted - began
    spent.decode += decoded - decrypted
    spent.fold += time.thread_time() - decoded
    return folded


def _texts(keyring: Keyring, row: asyncpg.Record) -> list[bytes]:
    stream, topics, states, *_, wrapped = row
    decrypt = None if wrapped is None else keyring.unsealing(stream, wrapped)
    return codec.texts(topics, states, stream, decrypt)


def _folded(partition: int, row: asyncpg.Record, events: Sequence[Any]) -> FoldedStream:
    stream, topics, _, version, whole, position, created_at, at, created_by, by, _ = row
    kind = _KINDS[topics[0]]
    if not whole or any(_KINDS[topic] != kind for topic in topics):
        raise ValueError("a version is missing, or an event is of another kind")
    view = CURRENT[kind]
    evolve, state = view.evolve, None
    for event in events:
        state = evolve(state, event)
    audit = Audit(created_by=created_by, created_at=created_at, modified_by=by, modified_at=at)
    return view, Folded(
        stream=stream,
        partition=partition,
        version=version,
        position=position,
        audit=audit,
        state=state,
    )
