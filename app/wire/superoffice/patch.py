"""PATCH: a JSON Patch or a merge object, told apart by the body's shape, on a chat session.

A list is a JSON Patch (RFC 6902) of `add`, `replace`, `remove` and `test`; `move` and `copy` are
refused, as documented. An object is a merge (RFC 7396) with the vendor's exceptions: an object for
a carrier that is null changes nothing (a JSON Patch can put one there), and an object for a list is
added to its end. Null and `remove` give a member its default. Values are read as those of PUT.

Paths are the vendor's: names in any case, with or without a slash at the start. The keys of a map
are no names: they count as they are written, but for `~1` and `~0`, a slash and a tilde. A member
that a carrier was not given can be tested, replaced and removed: it is null. Libraries for JSON
Patch know neither such paths nor typed members, hence this one.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
from msgspec import inspect

from app.wire.formats import JSON, UnknownType
from app.wire.json_text import BadInput, Budget
from app.wire.limits import MOST_OPERATIONS, MOST_TESTED
from app.wire.superoffice import bodies, zones
from app.wire.superoffice.entity import ENTITY, from_tree, to_tree
from app.wire.superoffice.lenient import Reading, member_value, value_of
from app.wire.superoffice.locale import AS_STORED, Locale
from app.wire.superoffice.members import Member, members
from app.wire.superoffice.negotiation import request_format
from domain.chat_session import ChatSessionFields
from domain.errors import DomainError

MOST_BYTES = 1024 * 1024
"""Of an entity as JSON: patch after patch could make it larger than any request can hold."""
NO_CHANGES = "Bad request. Changes to the entity are not in request body."
"""For a body without a patch; worded as the documented sentence for one without an entity."""

_PROTECTED = {"chatsessionid", "tableright", "fieldproperties", "_links"}
_OPERATIONS = ("add", "replace", "remove", "test")
_INDEX = re.compile(r"0|[1-9][0-9]{0,5}").fullmatch
_DEFAULTS = to_tree(ChatSessionFields())
_ROOT = inspect.type_info(ENTITY)


class TestFailed(DomainError):
    """An entity does not have the value that a patch tested for; `path` as in the patch."""

    __test__ = False  # pytest takes it for tests otherwise

    def __init__(self, path: str) -> None:
        """See the class."""
        self.path = path
        super().__init__(
            "Update blocked because a 'test' operation has detected a conflict with the entity"
            f" value: {path}"
        )


def patched(
    state: ChatSessionFields,
    body: bytes,
    content_type: bytes | None = None,
    locale: Locale = AS_STORED,
) -> ChatSessionFields:
    """What a session is to hold after the patch in `body`; all of it applies, or nothing.

    `locale` is that of the patch: a value as it was shown by it changes nothing. Raises TestFailed,
    BadInput with the path or the member at fault as `field`, or UnknownType for a media type that
    is none of JSON's.
    """
    if bodies.is_empty(body):
        raise BadInput(NO_CHANGES)
    if request_format(content_type, body) is not JSON:
        raise UnknownType("A patch is a list or an object in JSON")
    patch, tree, reading = bodies.read_tree(body), to_tree(state), Reading(zone=locale.zone)
    match patch:
        case list():
            if len(patch) > MOST_OPERATIONS:
                raise BadInput(f"A patch of more than {MOST_OPERATIONS} operations")
            looked_at = Budget(MOST_TESTED, "The tests of the patch look at")
            for operation in patch:
                _apply(tree, operation, reading, locale, looked_at)
        case dict():
            _merge(_Holder(tree, _ROOT, ""), patch, reading)
        case _:
            raise BadInput("Expected a list of operations, or an object to merge")
    wanted = locale.kept(from_tree(tree), state)
    _check_size(tree, state)
    return wanted


def _check_size(tree: dict[str, Any], state: ChatSessionFields) -> None:
    size = len(msgspec.json.encode(tree))
    # What was put too large by other means can at least be made smaller.
    if size > MOST_BYTES and size > len(msgspec.json.encode(to_tree(state))):
        raise BadInput(f"The patch makes an entity of more than {MOST_BYTES} bytes")


class _Holder(NamedTuple):
    """A carrier, a map or a list in the entity, with its type and its documented path."""

    value: Any
    kind: inspect.Type
    path: str


class _Place(NamedTuple):
    """Where in its holder a value is; None as member: in a list or a map."""

    holder: Any
    key: Any
    kind: inspect.Type
    path: str
    member: Member | None = None

    @property
    def current(self) -> object:
        """What is there; None where nothing is."""
        if isinstance(self.holder, list):
            return self.holder[self.key] if self.key < len(self.holder) else None
        return self.holder.get(self.key)

    @property
    def exists(self) -> bool:
        """Whether there is anything to replace; a carrier has all its members."""
        if isinstance(self.holder, list):
            return bool(self.key < len(self.holder))
        return self.member is not None or self.key in self.holder

    def read(self, value: object, reading: Reading) -> object:
        """A value that a client gives for this place, in documented form."""
        if self.member is None:
            return value_of(value, self.kind, reading, self.path)
        found = member_value(value, self.member, reading, self.path)
        return _DEFAULTS[self.key] if found is None and not self.member.nullable else found

    def remove(self) -> None:
        """Leave a member its default, a list or a map without this."""
        if "." not in self.path and self.member is not None:
            self.holder[self.key] = _DEFAULTS[self.key]
        elif isinstance(self.holder, list):
            del self.holder[self.key]
        else:
            self.holder.pop(self.key, None)


def _apply(
    tree: dict[str, Any],
    operation: object,
    reading: Reading,
    locale: Locale,
    looked_at: Budget,
) -> None:
    if not isinstance(operation, dict):
        raise BadInput("An operation of a patch is an object")
    given = {name.lower(): value for name, value in operation.items()}
    op, path = given.get("op"), given.get("path")
    if not isinstance(path, str):
        raise BadInput("An operation of a patch needs a path", field="path")
    if not isinstance(op, str) or op.lower() not in _OPERATIONS:
        names = ", ".join(_OPERATIONS)
        raise BadInput(f"{str(op)[:20]!r} at {path[:100]!r} is none of {names}", field="op")
    op = op.lower()
    place = _place(tree, path, op)
    if op != "add" and not place.exists:
        raise BadInput("There is nothing at this path", field=place.path)
    if op == "remove":
        place.remove()
        return
    if "value" not in given:
        raise BadInput(f"The operation {op!r} needs a value", field=place.path)
    value = place.read(given["value"], reading)
    if op == "test":
        looked_at.spend(_size(place.current))
        if not _holds(place.current, value, place.member, locale):
            raise TestFailed(path[:100])
    elif op == "add" and isinstance(place.holder, list):
        place.holder.insert(place.key, value)
    else:
        place.holder[place.key] = value


def _place(tree: dict[str, Any], path: str, op: str) -> _Place:
    parts = path.removeprefix("/").split("/")
    holder = _Holder(tree, _ROOT, "")
    place = _step(holder, parts[0], op)
    for part in parts[1:]:
        if place.current is None:
            raise BadInput("There is nothing here, so nothing in it", field=place.path)
        place = _step(_Holder(place.current, place.kind, f"{place.path}."), part, op)
    return place


def _step(holder: _Holder, part: str, op: str) -> _Place:
    """The place that a part of a path names in its holder."""
    name = part.replace("~1", "/").replace("~0", "~")
    where = f"{holder.path}{name[:100]}"
    match holder.kind, holder.value:
        case inspect.StructType(cls=carrier), dict():
            protected = not holder.path and name.lower() in _PROTECTED
            # To ask for the id changes nothing.
            if protected and (op != "test" or name.lower() != "chatsessionid"):
                raise BadInput("This cannot be changed", field=where)
            member = members(carrier).get(name.lower())
            if member is not None:
                path = holder.path + member.name
                return _Place(holder.value, member.name, member.kind, path, member)
        case inspect.DictType(value_type=kind), dict():
            return _Place(holder.value, name, kind, where)
        case inspect.VarTupleType(item_type=kind), list():
            last = len(holder.value)
            index = last if name == "-" and op == "add" else int(name) if _INDEX(name) else -1
            if 0 <= index <= last:
                return _Place(holder.value, index, kind, where)
    if not name:
        raise BadInput("There is no property without a name", field=holder.path.rstrip("."))
    raise BadInput("There is no such property", field=where)


def _merge(holder: _Holder, given: Mapping[str, Any], reading: Reading) -> None:
    seen: set[str] = set()
    for name, value in given.items():
        place = _step(holder, name.replace("~", "~0").replace("/", "~1"), "replace")
        if place.key in seen:
            raise BadInput("The member is given twice, in different case", field=place.path)
        seen.add(place.key)
        if value is None:
            place.remove()
        elif not isinstance(value, dict) or not isinstance(
            place.kind, inspect.StructType | inspect.DictType | inspect.VarTupleType
        ):
            place.holder[place.key] = place.read(value, reading)
        else:
            _merge_object(place, value, reading)


def _merge_object(place: _Place, value: dict[str, Any], reading: Reading) -> None:
    if isinstance(place.kind, inspect.VarTupleType):
        if isinstance(place.current, list):
            item = value_of(value, place.kind.item_type, reading, place.path)
            place.current.append(item)
        return
    # What is merged into nothing is dropped, but its names are looked at all the same.
    current = {} if place.current is None else place.current
    _merge(_Holder(current, place.kind, f"{place.path}."), value, reading)


def _holds(held: object, value: object, member: Member | None, locale: Locale) -> bool:
    """Whether a value that was read is the one held; a client knows that as it was shown.

    Of date-times it is the one of the same instant. `member` is None in a list or a map.
    """
    if member is None:
        return _same(held, value)
    match member.kind, held, value:
        case inspect.StructType(cls=carrier), dict(), dict():
            return all(
                _holds(held.get(below.name), value.get(below.name), below, locale)
                for below in members(carrier).values()
            )
        case _, str(), str() if member.is_date and zones.same_instant(held, value):
            return True
        case _, str(), str():
            return locale.is_back(value, held, member)
    return _same(held, value)


def _size(value: object) -> int:
    """How many values there are in one, itself included."""
    match value:
        case dict():
            return 1 + sum(map(_size, value.values()))
        case list():
            return 1 + sum(map(_size, value))
        case _:
            return 1


def _same(one: object, other: object) -> bool:
    """Whether two values of JSON are equal; a member that is null equals one that is not there."""
    match one, other:
        case dict(), dict():
            return all(_same(one.get(name), other.get(name)) for name in one.keys() | other.keys())
        case list(), list():
            return len(one) == len(other) and all(map(_same, one, other))
        case (bool(), _) | (_, bool()):
            return one is other
        case _:
            return bool(one == other)
