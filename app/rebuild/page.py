"""Folds a page of streams: the same rows as `history.streams` gives for sound ones, several times
as fast.

A page is decrypted, decoded and folded with the least Python an event, and what a row takes over
from the log stays in the form in which PostgreSQL sent it. A page with anything that is not as it
should be is refused: its streams are then folded one event at a time, by the functions that say
what is wrong.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import asyncpg
from msgspec import Struct

from app.log import codec
from app.log.keyring import Keyring
from app.rebuild.image import Images, image
from domain.event import kind_of
from projections.catalog import CURRENT
from projections.view import View

_PLANS = 1_024


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


class Plan(Struct, frozen=True):
    """How to read streams with the same events."""

    kind: str
    evolve: Callable[[Any, Any], Any]
    bound: Sequence[bytes]
    """What the boxes are bound to beside their stream, an event each."""
    decoders: Sequence[Callable[[bytes], Any]]
    """The decoder of each event."""


def folded_page(
    keyring: Keyring,
    views: Mapping[str, Sequence[View]],
    partition: int,
    rows: Sequence[asyncpg.Record],
    spent: Spent,
) -> Images:
    """The images of the rows that views have of a page's streams, by view.

    `views`: by the kind of their streams; `rows`: of `scan.sql`, `page`. Raises Unsound.
    """
    clock = time.thread_time
    try:
        began = clock()
        plans = [_planned(row["topics"]) for row in rows]
        texts = [_texts(keyring, *each) for each in zip(plans, rows, strict=True)]
        decrypted = clock()
        events = [
            [decode(text) for decode, text in zip(plan.decoders, those, strict=True)]
            for plan, those in zip(plans, texts, strict=True)
        ]
        decoded = clock()
        states = [_state(plan, those) for plan, those in zip(plans, events, strict=True)]
        folded = clock()
        found = _images(keyring, views, partition, zip(plans, states, rows, strict=True))
    except Exception as error:  # damaged events may fail with any error
        raise Unsound from error
    spent.decrypt += decrypted - began
    spent.decode += decoded - decrypted
    spent.fold += folded - decoded
    spent.encode += clock() - folded
    return found


@lru_cache(_PLANS)
def _planned(topics: str) -> Plan:
    names = topics.split("\n")
    kind = kind_of(names[0])
    if any(kind_of(name) != kind for name in names):
        raise ValueError("an event is of another kind than its stream")
    decoders = [codec.DECODERS[name] for name in names]
    return Plan(kind, CURRENT[kind].evolve, [name.encode() for name in names], decoders)


def _texts(keyring: Keyring, plan: Plan, row: asyncpg.Record) -> list[bytes]:
    stream, _, states, *_, whole, wrapped = row
    if not whole:
        raise ValueError("a version is missing")
    keys = None if wrapped is None else keyring.unsealing(stream, wrapped)
    return codec.texts(states.split(b"\n"), plan.bound, stream.bytes, keys)


def _state(plan: Plan, events: Sequence[Any]) -> object:
    evolve, state = plan.evolve, None
    for event in events:
        state = evolve(state, event)
    return state


def _images(
    keyring: Keyring,
    views: Mapping[str, Sequence[View]],
    partition: int,
    folded: Iterable[tuple[Plan, object, asyncpg.Record]],
) -> Images:
    found: Images = {}
    seal = keyring.seal_in_view
    for plan, state, (stream, _, _, places, actors, events, _, _) in folded:
        by = actors.split("\n")
        if len(by) != events:
            raise ValueError("the name of an actor has several lines")
        for view in views.get(plan.kind, ()):
            if (doc := view.doc(stream, state, seal)) is not None:
                row = image(
                    stream, partition, events, places[-16:-8],
                    by[0], places[8:16], by[-1], places[-8:], doc, view.sought(state),
                )  # fmt: skip
                found.setdefault(view.name, []).append(row)
    return found
