"""Resolves the paths of a patch to places in an entity: in carriers, maps and lists."""

import re
from typing import Any, NamedTuple

from msgspec import inspect

from app.codecs.json_text import BadInput
from app.faces.superoffice.wire.coerce import Reading, member_value, value_of
from app.faces.superoffice.wire.entity import ENTITY, to_tree
from app.faces.superoffice.wire.members import Member, members
from domain.chat.fields import ChatSessionFields

DEFAULTS = to_tree(ChatSessionFields())
"""An entity with all defaults."""
ROOT = inspect.type_info(ENTITY)
_INDEX = re.compile(r"0|[1-9][0-9]{0,5}").fullmatch


class Holder(NamedTuple):
    """A carrier, a map or a list in the entity, with its type and its documented path."""

    value: Any
    kind: inspect.Type
    path: str


class Place(NamedTuple):
    """The place of a value in its holder; `member` is None in a list or a map."""

    holder: Any
    key: Any
    kind: inspect.Type
    path: str
    member: Member | None = None

    @property
    def current(self) -> object:
        """The present value; None without one."""
        if isinstance(self.holder, list):
            return self.holder[self.key] if self.key < len(self.holder) else None
        return self.holder.get(self.key)

    @property
    def exists(self) -> bool:
        """Whether the place has a value to replace; a carrier has all its members."""
        if isinstance(self.holder, list):
            return bool(self.key < len(self.holder))
        return self.member is not None or self.key in self.holder

    def read(self, value: object, reading: Reading) -> object:
        """A client's value for this place, in documented form."""
        if self.member is None:
            return value_of(value, self.kind, reading, self.path)
        found = member_value(value, self.member, reading, self.path)
        return DEFAULTS[self.key] if found is None and not self.member.nullable else found

    def remove(self) -> None:
        """Reset a member to its default, or remove the value from its list or map."""
        if "." not in self.path and self.member is not None:
            self.holder[self.key] = DEFAULTS[self.key]
        elif isinstance(self.holder, list):
            del self.holder[self.key]
        else:
            self.holder.pop(self.key, None)


def place_at(tree: dict[str, Any], path: str, op: str) -> Place:
    """The place at a path of a patch; `add` may append to a list by `-`. Raises BadInput."""
    parts = path.removeprefix("/").split("/")
    holder = Holder(tree, ROOT, "")
    place = step(holder, parts[0], op)
    for part in parts[1:]:
        if place.current is None:
            raise BadInput("There is nothing here, so nothing in it", field=place.path)
        place = step(Holder(place.current, place.kind, f"{place.path}."), part, op)
    return place


def step(holder: Holder, part: str, op: str) -> Place:
    """The place that a part of a path names in its holder."""
    name = part.replace("~1", "/").replace("~0", "~")
    where = f"{holder.path}{name[:100]}"
    match holder.kind, holder.value:
        case inspect.StructType(cls=carrier), dict():
            member = members(carrier).get(name.lower())
            if member is not None:
                path = holder.path + member.name
                return Place(holder.value, member.name, member.kind, path, member)
        case inspect.DictType(value_type=kind), dict():
            return Place(holder.value, name, kind, where)
        case inspect.VarTupleType(item_type=kind), list():
            last = len(holder.value)
            index = last if name == "-" and op == "add" else int(name) if _INDEX(name) else -1
            if 0 <= index <= last:
                return Place(holder.value, index, kind, where)
    if not name:
        raise BadInput("There is no property without a name", field=holder.path.rstrip("."))
    raise BadInput("There is no such property", field=where)
