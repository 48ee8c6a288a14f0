"""Events as rows of pages: words, links that narrow, values before and after, gaps of time."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from urllib.parse import quote, urlencode

import msgspec
from msgspec import UNSET, Struct

from app.codecs.value import Tree
from app.faces.audit.pages import times
from app.faces.audit.pages.words import CREATIONS, words_of
from app.history.masking import MASK
from app.history.one_event import Event, call_of
from app.history.terms import type_name
from app.log.facts import is_shown

_VALUE = 400
"""Characters of a value that a list shows; the page of the event shows all."""
_ROOM = 42_000
"""Bytes of rows on a page of a list: what does not fit is on the pages of its events."""
_ROW = 620
"""Bytes of a row without its values and with short names, and of each change."""
_CHANGE = 70
_LINKS = 4
"""Links of a row that repeat the filters which are on."""
_IN_SIGHT = 4
"""Fields that a change may have to be shown without being unfolded."""
_NEVER = "0001-01-01"
_KINDS_WITH_FACTS = ("principal.", "audit.", "hold.")
_TECHNICAL = frozenset({"TableRight", "FieldProperties"})


class Value(Struct, frozen=True):
    """A value as text."""

    text: str
    is_masked: bool = False
    is_nothing: bool = False


class ChangeRow(Struct, frozen=True):
    """A field before and after."""

    name: str
    before: Value
    after: Value


class Said(Struct, frozen=True):
    """The text of a message."""

    author: str
    text: Value


class EventRow(Struct, frozen=True, kw_only=True):
    """An event as a page shows it."""

    event: Event
    id: str
    time: str
    gap: str
    words: str
    roles: str
    operation: str
    client: str
    request_id: str
    finds_client: bool
    """Whether the address is known, so that events can be found by it."""
    finds_request: bool
    session_url: str
    changes: list[ChangeRow]
    facts: list[tuple[str, Value]]
    """What the event says beside what it changed: of users, and of who looked."""
    said: Said | None
    summary: str
    """What stands on the fold; empty: nothing is folded."""
    is_cut: bool
    """Whether values were left out because the page would get too large."""
    is_bare: bool = False
    """Whether even its links were."""


class Budget:
    """How many bytes of rows a page still has room for."""

    def __init__(self, room: int = _ROOM, each: int = _VALUE, kept: int = 0) -> None:
        """`each`: the most that one value gets; `kept`: the length of the filters in links."""
        self._left = room
        self._each = each
        self._kept = kept
        self.is_cut = False

    def row(self, event: Event) -> bool:
        """Begin a row; whether there is room for all of its links."""
        self.is_cut = False
        names = len(event.actor.encode(errors="replace")) + len(event.session_id)
        needed = _ROW + _LINKS * (self._kept + names)
        has_room = needed <= self._left
        self._left -= needed if has_room else 0
        return has_room

    def change(self, name: str) -> bool:
        """Whether there is room for one more change of a row."""
        self._left -= len(name) + _CHANGE
        self.is_cut |= self._left < 0
        return self._left >= 0

    def value(self, tree: Tree) -> Value:
        """A value, as far as there is room."""
        whole = text_of(tree)
        room = min(self._each, max(0, self._left))
        self._left -= len(whole.text[:room].encode(errors="replace"))
        if len(whole.text) <= room:
            return whole
        self.is_cut = True
        return Value(f"{whole.text[:room]}…", whole.is_masked)


def rows_of(
    events: Iterable[Event], zone: tzinfo, budget: Budget, *, gaps: bool = False, fold: bool = True
) -> list[EventRow]:
    """Rows of events; `gaps`: with the time since the one before; `fold`: all changes."""
    rows = []
    before: datetime | None = None
    for event in events:
        at = times.read(event.recorded_at)
        since = times.gap(before, at) if gaps and before is not None else ""
        rows.append(_row(event, at, zone, since, budget, fold=fold))
        before = at
    return rows


def _row(
    event: Event, at: datetime, zone: tzinfo, gap: str, budget: Budget, *, fold: bool
) -> EventRow:
    call = call_of(event.metadata)
    has_room = budget.row(event)
    said = _said(event, budget)
    changes = _changes(event, budget)
    facts: list[tuple[str, Value]] = []
    if event.type.startswith(_KINDS_WITH_FACTS):
        facts = [
            (name, budget.value(value)) for name, value in event.data.items() if budget.change(name)
        ]
    return EventRow(
        event=event,
        id=f"e-{event.partition}-{event.position}",
        time=times.shown(at, zone),
        gap=gap,
        words=words_of(event.type),
        roles=", ".join(call.roles),
        operation=call.operation or "",
        client=call.client or "",
        request_id=call.request_id or "",
        finds_client=is_shown(call.client),
        finds_request=is_shown(call.request_id),
        session_url=session_url(event.session_id),
        changes=changes,
        facts=facts,
        said=said,
        summary=_summary(event, changes, facts, fold=fold),
        is_cut=budget.is_cut,
        is_bare=not has_room,
    )


def _changes(event: Event, budget: Budget) -> list[ChangeRow]:
    changed = {} if event.changed is UNSET else event.changed
    return [
        ChangeRow(name, budget.value(change.before), budget.value(change.after))
        for name, change in changed.items()
        if budget.change(name)
    ]


def _summary(
    event: Event, changes: Sequence[ChangeRow], facts: Sequence[object], *, fold: bool
) -> str:
    count = len(changes)
    if type_name(event.type) in CREATIONS:
        return f"{count} field{'' if count == 1 else 's'} set" if count else ""
    if not fold and count + len(facts) <= _IN_SIGHT:
        return ""
    if not changes:
        return "what it says" if facts else ""
    names = ", ".join(change.name for change in changes[:_IN_SIGHT])
    more = f" and {count - _IN_SIGHT} more" if count > _IN_SIGHT else ""
    return f"{names}{more}"


def _said(event: Event, budget: Budget) -> Said | None:
    if type_name(event.type) != "chat_session.message_added":
        return None
    author = text_of(event.data.get("Author")).text
    return Said(author, budget.value(event.data.get("Message", "")))


def text_of(tree: Tree) -> Value:
    """A value as text for people."""
    match tree:
        case None:
            return Value("nothing", is_nothing=True)
        case "":
            return Value("empty", is_nothing=True)
        case bool():
            return Value("true" if tree else "false")
        case str():
            return Value(tree, is_masked=tree.endswith(MASK))
        case dict() | list():
            plain = without_technical(tree)
            text = msgspec.json.encode(plain).decode()
            return Value(text, is_masked=MASK in text)
        case _:
            return Value(str(tree))


def without_technical(tree: Tree) -> Tree:
    """A value without members that are of use to programs only, or were never set."""
    match tree:
        case dict():
            return {
                name: without_technical(part)
                for name, part in tree.items()
                if name not in _TECHNICAL and not is_default(part)
            }
        case list():
            return [without_technical(part) for part in tree]
        case _:
            return tree


def is_default(tree: Tree) -> bool:
    """Whether a value is what a field has that nobody set."""
    if isinstance(tree, str):
        return not tree or tree.startswith(_NEVER)
    return tree in (None, 0, False, [], {})


def session_url(session_id: str) -> str:
    """The address of a session's page."""
    return f"/audit/sessions/{quote(session_id, safe=':@')}"


class Narrowed:
    """Addresses of the list of events with one filter more, or another value of it."""

    def __init__(self, kept: Sequence[tuple[str, str]] = ()) -> None:
        """`kept`: the filters that stay."""
        self._kept = kept

    @property
    def length(self) -> int:
        """The characters of the filters that stay."""
        return len(urlencode(self._kept))

    def __call__(self, name: str, value: str) -> str:
        """The address with this filter."""
        pairs = [pair for pair in self._kept if pair[0] != name]
        return f"/audit/events?{urlencode([*pairs, (name, value)])}"


def fields_of_state(state: Mapping[str, Tree]) -> tuple[dict[str, Tree], list[str]]:
    """The fields of a state that somebody set, and the names of all others."""
    found = {name: value for name, value in state.items() if not is_default(value)}
    return found, [name for name in state if name not in found]
