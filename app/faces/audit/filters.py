"""The filters of a search: each value has to be one that an event can have."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from app.codecs.json_text import BadInput
from app.faces.audit.query import Query
from app.history import names
from app.history.bounds import Bounds, bounds_of
from app.history.reader import Reader
from app.history.search import EventQuery
from app.history.sessions import session_named
from app.history.suggestions import others
from app.history.terms import type_name
from app.http.operation import Face
from domain.stored import EVENTS, UPCASTS

FILTERS = (
    "actor", "type", "operation", "face", "session", "account", "field", "client", "request",
    "since", "until", "before", "after", "reverse", "limit",
)  # fmt: skip
ELSEWHERE = frozenset(
    {
        *("AddUser", "ChangeRoles", "IssueToken", "CloseDeadChatSession", "RecordRefusals"),
        *("Export", "Subject", "PlaceHold", "LiftHold", "Retain"),
    }
)
"""Operations that are in no face's table: of the command line, and of the service itself."""
COMMAND_LINE = "cli"
_SHOWN = 60


class Known:
    """The names that filters may have."""

    def __init__(self, others: Sequence[Face], own: Face) -> None:
        """The names are looked up once all faces are made."""
        self._faces = (*others, own)

    @cached_property
    def faces(self) -> Mapping[str, str]:
        """By lower case."""
        return _by_lower_case([*(face.name for face in self._faces), COMMAND_LINE])

    @cached_property
    def operations(self) -> Mapping[str, str]:
        """By lower case."""
        own = [
            operation.name
            for face in self._faces
            for operations in face.routes.values()
            for operation in operations.values()
        ]
        return _by_lower_case([*own, *ELSEWHERE])

    @cached_property
    def types(self) -> Mapping[str, str]:
        """By lower case, with and without their versions."""
        topics = [*EVENTS, *UPCASTS]
        return {topic.lower(): type_name(topic) for topic in (*map(type_name, topics), *topics)}


async def query_of(reader: Reader, known: Known, query: Query) -> EventQuery:
    """What to look for. Raises BadInput, NotFound for an unknown session, StoreDown."""
    session = query.text("session")
    stream = None if session is None else (await session_named(reader, session)).stream
    bounds = await bounds_from(reader, query)
    return EventQuery(
        actor=query.text("actor"),
        type=_one_of(query, "type", known.types),
        operation=_one_of(query, "operation", known.operations),
        face=_one_of(query, "face", known.faces),
        account=query.text("account"),
        field=_one_of(query, "field", names.all_fields(), names.shown_fields()),
        client=query.text("client"),
        request=query.text("request"),
        stream=stream,
        since=bounds.low,
        until=bounds.high,
        reverse=query.flag("reverse"),
        limit=query.limit(),
    )


async def bounds_from(reader: Reader, query: Query) -> Bounds:
    """The ends that a request gives. Raises BadInput, StoreDown."""
    return await bounds_of(
        reader.store,
        query.clock,
        since=query.text("since"),
        until=query.text("until"),
        before=query.text("before"),
        after=query.text("after"),
    )


def _one_of(
    query: Query, name: str, known: Mapping[str, str], shown: Iterable[str] | None = None
) -> str | None:
    """`shown`: the known names as they are written; None: as in `known`. Raises BadInput."""
    text = query.text(name)
    if text is None:
        return None
    found = known.get(text.lower())
    if found is None:
        instead = others(text[:_SHOWN], known.values() if shown is None else shown)
        raise BadInput(f"There is no {name} {text[:_SHOWN]!r}{instead}", field=name)
    return found


def _by_lower_case(known: Iterable[str]) -> dict[str, str]:
    return {each.lower(): each for each in known}
