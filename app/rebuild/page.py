"""Folds a page of streams: the same rows as `history.streams` gives for sound ones, several times
as fast.

A page is decrypted, decoded and folded with the least Python an event, and what a row takes over
from the log stays in the form in which PostgreSQL sent it. Only what decides a row is looked at:
events without effect are passed over, boxes without effect stay shut, and so do streams of which no
view is made. A page with anything in the rest that is not as it should be is refused: its streams
are then folded one event at a time, by the functions that say what is wrong.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import asyncpg
from msgspec import Struct

from app.log import codec
from app.log.keyring import Keyring
from app.log.stream_keys import KEYLESS, SHUT
from app.rebuild.image import Images, first_and_last, image
from domain.event import kind_of
from domain.stored import EVENTS
from projections.catalog import CURRENT
from projections.deciding import deciding
from projections.view import View

_PLANS = 1_024
ByKind = Mapping[str, Sequence[View]]
"""Views by the kind of their streams."""


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
    steps: Sequence["Step"]


class Step(Struct, frozen=True):
    """How to read one of the events that decide the state."""

    index: int
    """Its place among the events."""
    bound: bytes
    """What its boxes are bound to beside their stream."""
    is_shut: bool
    """Whether its boxes stay so."""
    decode: Callable[[bytes], Any]


def folded_page(
    keyring: Keyring,
    views: ByKind,
    partition: int,
    rows: Sequence[asyncpg.Record],
    spent: Spent,
) -> Images:
    """The images of the rows that views have of a page's streams, by view.

    `rows`: of `scan.sql`, `page`. Raises Unsound.
    """
    clock = time.thread_time
    try:
        began = clock()
        those = [(_planned(row["topics"]), row) for row in rows]
        wanted = [(plan, row) for plan, row in those if plan.kind in views]
        texts = [_texts(keyring, *each) for each in wanted]
        decrypted = clock()
        events = [
            [step.decode(text) for step, text in zip(plan.steps, found, strict=True)]
            for (plan, _), found in zip(wanted, texts, strict=True)
        ]
        decoded = clock()
        states = [_state(plan, found) for (plan, _), found in zip(wanted, events, strict=True)]
        folded = clock()
        images = _images(keyring, views, partition, zip(wanted, states, strict=True))
    except Exception as error:  # damaged events may fail with any error
        raise Unsound from error
    spent.decrypt += decrypted - began
    spent.decode += decoded - decrypted
    spent.fold += folded - decoded
    spent.encode += clock() - folded
    return images


@lru_cache(_PLANS)
def _planned(topics: str) -> Plan:
    names = topics.split("\n")
    kind = kind_of(names[0])
    if any(kind_of(name) != kind for name in names):
        raise ValueError("an event is of another kind than its stream")
    steps = [
        Step(index, names[index].encode(), not opens, codec.DECODERS[names[index]])
        for index, opens in deciding([EVENTS[name] for name in names])
    ]
    return Plan(kind, CURRENT[kind].evolve, steps)


def _texts(keyring: Keyring, plan: Plan, row: asyncpg.Record) -> list[bytes]:
    stream, _, states, _, _, events, whole, wrapped = row
    every = states.split(b"\n")
    if not whole or len(every) != events:
        raise ValueError("a version is missing, or a body has several lines")
    bound_to = stream.bytes
    keys = KEYLESS if wrapped is None else keyring.unsealing(stream, wrapped)
    return [
        codec.text(every[step.index], step.bound, bound_to, SHUT if step.is_shut else keys)
        for step in plan.steps
    ]


def _state(plan: Plan, events: Sequence[Any]) -> object:
    evolve, state = plan.evolve, None
    for event in events:
        state = evolve(state, event)
    return state


def _images(
    keyring: Keyring,
    views: ByKind,
    partition: int,
    folded: Iterable[tuple[tuple[Plan, asyncpg.Record], object]],
) -> Images:
    found: Images = {}
    seal = keyring.seal_in_view
    for (plan, (stream, _, _, places, actors, events, _, _)), state in folded:
        created_by, modified_by = first_and_last(actors, events)
        for view in views[plan.kind]:
            if (doc := view.encoded(stream, state, seal)) is not None:
                row = image(
                    stream, partition, events, places[-16:-8],
                    created_by, places[8:16], modified_by, places[-8:], doc, view.sought(state),
                )  # fmt: skip
                found.setdefault(view.name, []).append(row)
    return found
