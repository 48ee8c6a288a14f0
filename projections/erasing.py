"""The members of a view's documents that hold personal data, by whose it is.

From this the functions of the database know what to take out of rows that were written before the
data was erased. The fold of the events then gives the same rows.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct, inspect

from domain.event import Subject, kind_of
from domain.stored import EVENTS
from projections.view import View


class Members(Struct, frozen=True):
    """What becomes of a document's members."""

    null: list[str]
    """Those that become null."""
    gone: list[str]
    """Those that disappear, as all of their document that have their default."""
    lists: Mapping[str, list[str]]
    """The members with a list, and which members disappear from each of its items."""


def members_of(view: View) -> Mapping[Subject, Members]:
    """The members of a view's documents, by whose personal data they are; empty if none are."""
    return {
        subject: members
        for subject, names in _personal(view.kind).items()
        if (members := _members(view.state, names)) != Members([], [], {})
    }


def as_json(view: View) -> str:
    """The same as the database's functions have it."""
    return msgspec.json.encode(members_of(view), order="sorted").decode()


def _members(state: type[Struct], names: frozenset[str]) -> Members:
    info = inspect.type_info(state)
    assert isinstance(info, inspect.StructType)
    own = sorted(field.encode_name for field in info.fields if field.name in names)
    sparse = state.__struct_config__.omit_defaults
    lists: dict[str, list[str]] = {}
    for field in info.fields:
        item = getattr(field.type, "item_type", None)
        if isinstance(item, inspect.StructType):
            held = sorted(each.encode_name for each in item.fields if each.name in names)
            if held:
                lists[field.encode_name] = held
    return Members([] if sparse else own, own if sparse else [], lists)


def _personal(kind: str) -> Mapping[Subject, frozenset[str]]:
    found: list[Any] = [event for topic, event in EVENTS.items() if kind_of(topic) == kind]
    agent = frozenset[str]().union(*(event.agent for event in found))
    return {
        "customer": frozenset[str]().union(*(event.personal for event in found)) - agent,
        "agent": agent,
    }
