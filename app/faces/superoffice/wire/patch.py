"""PATCH of a chat session: a JSON Patch or a merge object, distinguished by the body's shape.

A list is a JSON Patch (RFC 6902) of `add`, `replace`, `remove` and `test`; `move` and `copy` are
refused, as documented. An object is a merge (RFC 7396) with the vendor's exceptions: an object for
a null carrier changes nothing (a JSON Patch can put one there), and an object for a list is
appended. Null and `remove` give a member its default. Values are read as those of PUT.

The id, rights and links of a session belong to the service: clients may return them only as they
were read. The path `""` is the whole entity (RFC 6901): adding or replacing it equals a PUT.

Paths follow the vendor: names in any case, with or without a leading slash. The keys of a map are
no names: they are case-sensitive, and `~1` and `~0` mean a slash and a tilde. A carrier's absent
member can be tested, replaced and removed: it counts as null. Libraries for JSON Patch know neither
such paths nor typed members, hence this implementation.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET, inspect

from app.codecs.json_text import BadInput, Budget
from app.codecs.limits import MAX_TESTED
from app.faces.superoffice.wire import zones
from app.faces.superoffice.wire.coerce import Reading, documented, value_of
from app.faces.superoffice.wire.entity import ENTITY, from_tree, to_tree
from app.faces.superoffice.wire.locale import AS_STORED, Locale
from app.faces.superoffice.wire.members import Member, members
from app.faces.superoffice.wire.owned import (
    SHOWN,
    Shown,
    is_as_shown,
    nothing_shown,
    refuse_other,
    refused,
)
from app.faces.superoffice.wire.patch_body import Patch
from app.faces.superoffice.wire.patch_places import (
    DEFAULTS,
    ROOT,
    Holder,
    Place,
    place_at,
    step,
)
from domain.chat.fields import ChatSessionFields
from domain.errors import DomainError

MAX_PATCHED_BYTES = 1024 * 1024
"""Limit of an entity as JSON: repeated patches could make it larger than any request may be."""
_ID = "ChatSessionId"
_OPERATIONS = ("add", "replace", "remove", "test")


class TestFailed(DomainError):
    """An entity lacks the value that a patch tests for; `path` is that of the patch."""

    __test__ = False  # otherwise, pytest would collect it as a test

    def __init__(self, path: str) -> None:
        """See the class."""
        self.path = path
        super().__init__(
            "Update blocked because a 'test' operation has detected a conflict with the entity"
            f" value: {path}"
        )


def patched(
    state: ChatSessionFields,
    patch: Patch,
    locale: Locale = AS_STORED,
    shown: Shown = nothing_shown,
) -> ChatSessionFields:
    """The fields of a session after a patch, which applies as a whole or not at all.

    `locale` is that of the client: a value that was shown in it changes nothing. `shown` gives the
    members that the caller sees beside the fields. Raises TestFailed, or BadInput with the path or
    the member at fault as `field`.
    """
    tree, looked_at = to_tree(state), Budget(MAX_TESTED, "The tests of the patch look at")
    context = _Context(Reading(zone=locale.zone), locale, shown, looked_at)
    if isinstance(patch, list):
        for operation in patch:
            _apply(tree, operation, context)
    else:
        _merge(Holder(tree, ROOT, ""), patch, context)
    if tree[_ID] not in (0, state.chat_session_id):
        raise refused(_ID)
    tree[_ID] = state.chat_session_id
    wanted = locale.kept(from_tree(tree), state)
    _check_size(tree, state)
    return wanted


def _check_size(tree: dict[str, Any], state: ChatSessionFields) -> None:
    size = len(msgspec.json.encode(tree))
    # An entity that other means made too large can at least be made smaller.
    if size > MAX_PATCHED_BYTES and size > len(msgspec.json.encode(to_tree(state))):
        raise BadInput(f"The patch makes an entity of more than {MAX_PATCHED_BYTES} bytes")


class _Context(NamedTuple):
    """The context in which a patch is applied."""

    reading: Reading
    locale: Locale
    shown: Shown
    looked_at: Budget
    """Limits the values that the patch's tests compare."""


def _apply(tree: dict[str, Any], operation: object, context: _Context) -> None:
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
    first = path.removeprefix("/").partition("/")[0].lower()
    value = given.get("value", UNSET)
    if not path:
        _apply_to_all(tree, op, value, context)
    elif first in SHOWN:
        _apply_to_owned(op, path, value, context)
    else:
        _apply_at(place_at(tree, path, op), op, path, value, context)


def _apply_at(place: Place, op: str, path: str, given: object, context: _Context) -> None:
    if op != "add" and not place.exists:
        raise BadInput("There is nothing at this path", field=place.path)
    if place.path == _ID and op != "test":
        _refuse_another_id(place, op, path, given, context)
        return
    if op == "remove":
        place.remove()
        return
    if given is UNSET:
        raise BadInput(f"The operation {op!r} needs a value", field=place.path)
    value = place.read(given, context.reading)
    if op == "test":
        context.looked_at.spend(_size(place.current))
        if not _holds(place.current, value, place.member, context.locale):
            raise TestFailed(path[:100])
    elif op == "add" and isinstance(place.holder, list):
        place.holder.insert(place.key, value)
    else:
        place.holder[place.key] = value


def _refuse_another_id(place: Place, op: str, path: str, given: object, context: _Context) -> None:
    """Refuse an operation that would change an entity's id; null and 0 are ignored."""
    same = given is not UNSET and place.read(given, context.reading) in (0, place.current)
    if op == "remove" or not same:
        raise refused(path.removeprefix("/")[:100])


def _apply_to_all(tree: dict[str, Any], op: str, given: object, context: _Context) -> None:
    """Apply an operation to the whole entity; absent members of its value have their defaults."""
    if op == "remove":
        raise BadInput("A patch cannot remove the whole session: DELETE does", field="path")
    if not isinstance(given, dict):
        raise BadInput("The whole session is an object", field="value")
    entity = DEFAULTS | {_ID: tree[_ID]} | documented(given, ENTITY, context.reading)
    entity[_ID] = entity[_ID] or tree[_ID]
    owned = [name for name in given if name.lower() in SHOWN]
    if op != "test":
        for name in owned:
            refuse_other(name, given[name], context.shown)
        tree.update(entity)
        return
    context.looked_at.spend(_size(tree))
    holds = all(
        _holds(tree[member.name], entity[member.name], member, context.locale)
        for member in members(ENTITY).values()
    )
    shown = context.shown() if owned else {}
    if not holds or not all(is_as_shown(given[n], shown.get(SHOWN[n.lower()])) for n in owned):
        raise TestFailed("")


def _apply_to_owned(op: str, path: str, given: object, context: _Context) -> None:
    """Apply an operation to rights or links: only tests and replacements by the same value pass."""
    first, *names = path.removeprefix("/").split("/")
    held: object = context.shown().get(SHOWN[first.lower()])
    for name in names:
        known = held if isinstance(held, dict) else {}
        key = name.replace("~1", "/").replace("~0", "~").lower()
        held = next(
            (value for known_name, value in known.items() if known_name.lower() == key), None
        )
    same = (
        given not in (None, UNSET)
        and held is not None
        and is_as_shown(given, held, names[-1] if names else first)
    )
    if op == "test" and not same:
        raise TestFailed(path[:100])
    if op == "remove" or not same:
        raise refused(first)


def _merge(holder: Holder, given: Mapping[str, Any], context: _Context) -> None:
    seen: set[str] = set()
    for name, value in given.items():
        if name.lower() in SHOWN and not isinstance(holder.kind, inspect.DictType):
            if not holder.path:
                refuse_other(name, value, context.shown)
            continue  # those of carriers are not shown, and are ignored as in PUT
        place = step(holder, name.replace("~", "~0").replace("/", "~1"), "replace")
        if place.key in seen:
            raise BadInput("The member is given twice, in different case", field=place.path)
        seen.add(place.key)
        if value is None:
            place.remove()
        elif not isinstance(value, dict) or not isinstance(
            place.kind, inspect.StructType | inspect.DictType | inspect.VarTupleType
        ):
            place.holder[place.key] = place.read(value, context.reading)
        else:
            _merge_object(place, value, context)


def _merge_object(place: Place, value: dict[str, Any], context: _Context) -> None:
    if isinstance(place.kind, inspect.VarTupleType):
        if isinstance(place.current, list):
            item = value_of(value, place.kind.item_type, context.reading, place.path)
            place.current.append(item)
        return
    # A merge into null is dropped, but its names are checked all the same.
    current = {} if place.current is None else place.current
    _merge(Holder(current, place.kind, f"{place.path}."), value, context)


def _holds(held: object, value: object, member: Member | None, locale: Locale) -> bool:
    """Whether a value that was read equals the held one, in its stored or its shown form.

    Date-times are equal if they denote the same instant. `member` is None in a list or a map.
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
    """The number of values in a value, including itself."""
    match value:
        case dict():
            return 1 + sum(map(_size, value.values()))
        case list():
            return 1 + sum(map(_size, value))
        case _:
            return 1


def _same(one: object, other: object) -> bool:
    """Whether two values of JSON are equal; a null member equals an absent one."""
    match one, other:
        case dict(), dict():
            return all(_same(one.get(name), other.get(name)) for name in one.keys() | other.keys())
        case list(), list():
            return len(one) == len(other) and all(map(_same, one, other))
        case (bool(), _) | (_, bool()):
            return one is other
        case _:
            return bool(one == other)
