"""Whatever is asked of lists of chat sessions, they give what a model in Python gives."""

from collections.abc import Callable, Sequence
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import UNSET, Struct
from msgspec.structs import replace
from support.chat_lists import all_pages
from support.chat_rows import folded, insert

from app.faces.superoffice.lists.columns import COLUMNS, STATUS_SHOWN, Kind, Raw
from app.queries.views import Views
from app.service import Service
from domain.chat.carriers import Associate, Contact, Person
from domain.chat.enums import ChatSessionStatus
from domain.chat.session import ChatSession
from domain.date_time import EMPTY, DateTime, ticks
from domain.ids import ChatSessionId


@pytest.fixture
def views(service: Service) -> Views:
    return service.views


class Condition(Struct, frozen=True):
    """A filter, and what it means for one session."""

    text: str
    holds: Callable[[ChatSession], bool]


def value_of(name: str, state: ChatSession) -> Raw:
    """What a column compares: numbers and texts, ticks of dates, None for nothing."""
    raw = COLUMNS[name].raw(folded(state))
    if COLUMNS[name].kind is Kind.DATE:
        return None if raw == EMPTY else ticks(DateTime(str(raw)))
    return raw.lower() if isinstance(raw, str) else raw


NUMBERS = ["rating", "chatSessionId", "personId", "associateId", "duration", "timeInQueue"]
TEXTS = ["firstMessage", "agent", "person/firstName", "contact/name"]
DATES = ["whenRequested", "whenEnded", "registeredDate", "updatedDate"]
DAYS = ["2026-01-01", "2026-01-02", "2026-01-03T00:00:00", "2026-01-03T05:00:00.5Z"]
WORDS = ["", "a", "A%", "_b", "'", "\\", "/", "Ab"]
COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda value, other: value == other,
    "ne": lambda value, other: value != other,
    "lt": lambda value, other: value is not None and value < other,
    "le": lambda value, other: value is not None and value <= other,
    "gt": lambda value, other: value is not None and value > other,
    "ge": lambda value, other: value is not None and value >= other,
}
IN_TEXTS: dict[str, Callable[[Any, Any], bool]] = {
    "is": lambda value, other: value == other,
    "isNot": lambda value, other: value != other,
    "contains": lambda value, other: value is not None and other in value,
    "notContains": lambda value, other: value is None or other not in value,
    "begins": lambda value, other: value is not None and value.startswith(other),
    "notBegins": lambda value, other: value is None or not value.startswith(other),
}


def of_number(name: str, operator: str, other: int) -> Condition:
    return Condition(
        f"{name} {operator} {other}",
        lambda state: COMPARED[operator](value_of(name, state), other),
    )


def of_text(name: str, operator: str, other: str) -> Condition:
    quoted = other.replace("'", "''")
    return Condition(
        f"{name} {operator} '{quoted}'",
        lambda state: IN_TEXTS[operator](value_of(name, state), other.lower()),
    )


def of_date(name: str, operator: str, other: str) -> Condition:
    first = ticks(DateTime(other))
    beyond = first + (24 * 3_600 * 10_000_000 if len(other) == 10 else 1)

    def holds(state: ChatSession) -> bool:
        value = value_of(name, state)
        if not isinstance(value, int):
            return operator == "ne"
        inside = 0 if first <= value < beyond else -1 if value < first else 1
        return COMPARED[operator](inside, 0)

    return Condition(f"{name} {operator} '{other}'", holds)


def of_status(members: Sequence[ChatSessionStatus], wanted: bool) -> Condition:
    listed = ",".join(f"'{STATUS_SHOWN[member]}'" for member in members)
    return Condition(
        f"status {'oneOf' if wanted else 'notOneOf'} ({listed})",
        lambda state: (state.status in members) is wanted,
    )


def of_null(name: str, operator: str) -> Condition:
    return Condition(
        f"{name} {operator} null",
        lambda state: (value_of(name, state) is None) is (operator == "eq"),
    )


def joined(word: str, parts: Sequence[Condition]) -> Condition:
    together = all if word == "and" else any
    return Condition(
        f"({f' {word} '.join(part.text for part in parts)})",
        lambda state: together([part.holds(state) for part in parts]),
    )


def negated(part: Condition) -> Condition:
    return Condition(f"not ({part.text})", lambda state: not part.holds(state))


statuses = st.sampled_from(list(ChatSessionStatus)[:4])
simple = st.one_of(
    st.builds(of_number, st.sampled_from(NUMBERS), st.sampled_from([*COMPARED]), st.integers(0, 4)),
    st.builds(
        of_text, st.sampled_from(TEXTS), st.sampled_from([*IN_TEXTS]), st.sampled_from(WORDS)
    ),
    st.builds(of_date, st.sampled_from(DATES), st.sampled_from([*COMPARED]), st.sampled_from(DAYS)),
    st.builds(of_status, st.lists(statuses, min_size=1, max_size=2), st.booleans()),
    st.builds(of_null, st.sampled_from(NUMBERS + TEXTS + DATES), st.sampled_from(["eq", "ne"])),
)
conditions = st.recursive(
    simple,
    lambda parts: st.one_of(
        st.builds(joined, st.sampled_from(["and", "or"]), st.lists(parts, min_size=2, max_size=3)),
        st.builds(negated, parts),
    ),
    max_leaves=5,
)
small = st.integers(0, 4)
words = st.none() | st.sampled_from(WORDS)
moments = st.sampled_from([EMPTY, *map(DateTime, DAYS)])
sessions = st.builds(
    ChatSession,
    rating=small,
    status=statuses,
    first_message=words,
    when_requested=moments,
    when_started=moments,
    when_ended=moments,
    user=st.none()
    | st.builds(
        Associate,
        associate_id=small | st.none() | st.just(UNSET),
        name=words | st.just(UNSET),
        full_name=words | st.just(UNSET),
    ),
    person=st.none() | st.builds(Person, person_id=small, firstname=words),
    contact=st.none() | st.builds(Contact, name=words),
)
SORTED = [*NUMBERS, *DATES, "status"]
SORTED.remove("duration")


def sort_key(name: str, state: ChatSession) -> str | int:
    value = state.status.value if name == "status" else value_of(name, state)
    return -1 if value is None else value


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    states=st.lists(sessions, max_size=8),
    condition=conditions,
    order=st.lists(
        st.tuples(st.sampled_from(SORTED), st.booleans()),
        max_size=3,
        unique_by=lambda each: each[0],
    ),
    top=st.integers(1, 4),
)
async def test_any_filter_and_order_give_what_a_model_gives(
    views: Views,
    owner: asyncpg.Connection,
    states: list[ChatSession],
    condition: Condition,
    order: list[tuple[str, bool]],
    top: int,
) -> None:
    rows = [replace(state, chat_session_id=ChatSessionId(n)) for n, state in enumerate(states, 1)]
    await owner.execute("TRUNCATE chat_session_entity")
    await insert(owner, rows)
    expected = [row for row in rows if condition.holds(row)]
    # What is alike in all else is in the order of the numbers, as the last column is directed.
    for name, descending in [*order, ("chatSessionId", bool(order) and order[-1][1])][::-1]:
        expected.sort(key=lambda row: sort_key(name, row), reverse=descending)
    spelt = ",".join(f"{name} {'desc' if descending else 'asc'}" for name, descending in order)
    query = [("$filter", condition.text), ("$orderby", spelt), ("$top", str(top))]
    assert await all_pages(views, query) == [row.chat_session_id for row in expected]
