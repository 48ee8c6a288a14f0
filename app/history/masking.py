"""States and events as values for people: fields by the API's names, secrets hidden, names masked.

Which fields are personal or secret is declared on the event types in `domain/`, and nowhere else.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any

import msgspec
from msgspec import UNSET, Struct

from app.codecs.value import Tree
from app.history.names import api_name
from app.history.times import time_text
from domain.chat.carriers import Carrier
from domain.event import kind_of
from domain.stored import EVENTS
from projections.catalog import CURRENT
from projections.sealing import secret_of as secrets_of_type

HIDDEN = "(hidden)"
"""In the place of each secret: a history shows that it changed, never its value."""
MASK = "•••"


class Shown(Struct, frozen=True):
    """How values of one kind of streams are shown."""

    kind: str
    clear: bool = False
    """Whether personal values are shown as they are; else masked."""

    def members(self, holder: Struct) -> dict[str, Tree]:
        """The fields of a state or event, without those that are not set."""
        kind, holds = self.kind, type(holder)
        return {
            api_name(kind, holds, name): self.value(name, value)
            for name in holder.__struct_fields__
            if (value := getattr(holder, name)) is not UNSET
        }

    def value(self, attribute: str, value: object) -> Tree:
        """The value of a field; `attribute`: its own name."""
        if attribute in secret_of(self.kind) and isinstance(value, str):
            return HIDDEN
        if attribute in personal_of(self.kind) and not self.clear:
            return masked(value)
        return self._tree(value)

    def stored(self, fields: Mapping[str, Any], holder: type[Struct] | None) -> dict[str, Tree]:
        """Fields of an event that cannot be read, as they were stored; `holder`: its type."""
        return {
            api_name(self.kind, holder or Struct, name): self.value(name, value)
            for name, value in fields.items()
        }

    def _tree(self, value: object) -> Tree:
        match value:
            case Carrier():
                known: Tree = msgspec.to_builtins(value)
                return known
            case Struct():
                return self.members(value)
            case tuple() | list():
                return [self._tree(item) for item in value]
            case datetime():
                return time_text(value)
            case _:
                plain: Tree = msgspec.to_builtins(value)
                return plain


def masked(value: object) -> Tree:
    """A value with each text as its first character and a mask, and all others as the mask alone.

    What is null stays null. Lists keep their form, and carriers the names that they declare. The
    names in a map are anybody's texts, and masked like them; alike ones are counted.
    """
    match value:
        case None:
            return None
        case Enum():
            return masked(value.value)
        case str():
            return value[:1] + MASK
        case Struct():
            names = zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True)
            given = ((name, getattr(value, attribute)) for attribute, name in names)
            return {name: masked(item) for name, item in given if item is not UNSET}
        case dict():
            return dict(zip(_masked_names(value), map(masked, value.values()), strict=True))
        case list() | tuple():
            return [masked(item) for item in value]
        case _:
            return MASK


def _masked_names(names: Iterable[str]) -> Iterator[str]:
    met: Counter[str] = Counter()
    for name in names:
        shown = name[:1] + MASK
        met[shown] += 1
        yield shown if met[shown] == 1 else f"{shown}{met[shown]}"


@cache
def personal_of(kind: str) -> frozenset[str]:
    """The own names of the fields, of a kind's events or state, that are declared personal."""
    return frozenset().union(*(event.personal for event in _events_of(kind)))


@cache
def secret_of(kind: str) -> frozenset[str]:
    """The own names of the fields, of a kind's events or state, that are declared secret."""
    of_state = secrets_of_type(CURRENT[kind].state) if kind in CURRENT else frozenset[str]()
    return of_state.union(*(event.secret for event in _events_of(kind)))


def _events_of(kind: str) -> list[Any]:
    return [event for topic, event in EVENTS.items() if kind_of(topic) == kind]
