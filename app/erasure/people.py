"""All that is held on a person: sessions, their state and events, who looked, and what is kept."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime

import msgspec
from msgspec import Struct

from app.codecs.value import Json
from app.database.sql import blocks
from app.erasure.holds import HeldBack, holds_on
from app.erasure.search import Person, newest_of, streams_of
from app.history.access import is_known
from app.history.masking import personal_of
from app.history.names import fields_of
from app.history.one_event import Event, Parts
from app.history.reader import Reader, in_blocks
from app.history.search import EventQuery, SearchedLog, find
from app.history.sessions import history
from app.history.terms import Terms
from app.history.times import time_text
from app.log.audited import read_places
from app.proof.one_line import one_line
from domain.ids import StreamId

SQL = blocks(__file__)
COVERS = (
    "E-mail addresses and phone numbers are found in every personal field and in messages, names "
    "where they are a whole field; in open and deleted sessions, now and in all their past."
)
KEPT = (
    "The name of a user stays on record with what that user did: who acted is part of the log, and "
    "is not erased."
)
EXPORTED_AT_ONCE = 50
"""Sessions whose ids share an event that says they were seen."""
OnRecord = Callable[[Sequence[str]], Awaitable[None]]
_VIEWS = 1_000
"""Views of a session that are listed."""


class HeldSession(Struct, frozen=True, kw_only=True, rename="camel"):
    """A session that holds something on a person."""

    session_id: str
    kind: str
    state: str
    """`open` or `deleted`."""
    events: int
    first_at: str
    last_at: str
    holds: dict[str, Json]
    """The personal fields that are set now, by the API's names; the past may hold more."""
    hold: str | None
    """Why it may not be erased; null: no legal hold is on it, nor on its account."""


class User(Struct, frozen=True):
    """A user who has the name that is looked for."""

    name: str
    kept: str
    """Why that is not erased."""


class Held(Struct, frozen=True, kw_only=True):
    """A page of what is held."""

    sessions: list[HeldSession]
    users: list[User]
    covers: str
    next: str | None
    """Where the next page begins: its `after`."""


class Line(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line of all that is held on a person: one of these."""

    session: HeldSession | None = None
    event: Event | None = None
    """Of the session before it."""
    viewed: Event | None = None
    """Of who saw personal data of that session."""
    user: User | None = None
    covers: str | None = None

    def __bytes__(self) -> bytes:
        """The line, without its end."""
        return one_line(msgspec.json.encode(self))


async def held_on(
    log: SearchedLog,
    reader: Reader,
    person: Person,
    *,
    after: StreamId | None = None,
    most: int,
    clear: bool,
) -> Held:
    """A page of the sessions that hold something on a person, the newest first; on the first page,
    users as well.

    `clear`: whether personal values are shown as they are. Raises BadInput if `after` is no
    session, NotYet, StoreDown.
    """
    hashed = Terms(log.fingerprint)
    streams = await newest_of(reader, hashed, person, after=after, most=most + 1)
    shown = streams[:most]
    return Held(
        sessions=await sessions_of(reader, shown, clear=clear),
        users=await users_of(reader, person) if after is None else [],
        covers=COVERS,
        next=str(shown[-1]) if len(streams) > most else None,
    )


async def export(
    log: SearchedLog, reader: Reader, person: Person, on_record: OnRecord
) -> AsyncIterator[Line]:
    """All that is held on a person, with its values. Without the last line it was broken off.

    `on_record` is awaited with some sessions' ids before anything of these is given away, and at
    least once. Raises NotYet, StoreDown.
    """
    hashed = Terms(log.fingerprint)
    after: StreamId | None = None
    while streams := await streams_of(reader, hashed, person, after=after, most=EXPORTED_AT_ONCE):
        sessions = await sessions_of(reader, streams, clear=True)
        await on_record([session.session_id for session in sessions])
        for session, stream in zip(sessions, streams, strict=True):
            async for line in _lines_of(log, reader, session, stream):
                yield line
        after = streams[-1]
    if after is None:
        await on_record([])
    for user in await users_of(reader, person):
        yield Line(user=user)
    yield Line(covers=COVERS)


async def _lines_of(
    log: SearchedLog, reader: Reader, session: HeldSession, stream: StreamId
) -> AsyncIterator[Line]:
    yield Line(session=session)
    async for event in history(reader, stream, parts=Parts(clear=True)):
        yield Line(event=event)
    views = await find(log, EventQuery(viewed=stream, limit=_VIEWS, reverse=True))
    async for view in reader.shown(in_blocks(views.events), Parts(clear=True)):
        yield Line(viewed=view)


async def sessions_of(
    reader: Reader, streams: Sequence[StreamId], *, clear: bool
) -> list[HeldSession]:
    """Sessions as they are now, in the order that is given. Raises StoreDown."""
    homes = list(map(reader.partition, streams))
    ends = await reader.store.ask(SQL["ends"], homes, list(streams))
    places = [(reader.partition(row["stream"]), row["position"]) for row in ends]
    last = {
        StreamId(event.stream): event
        for part in await read_places(reader.store, reader.keyring, places)
        for event in part
    }
    known = await reader.identities(last)
    held = await holds_on(reader, list(last))
    blocks_of = in_blocks([last[row["stream"]] for row in ends])
    shown = [event async for event in reader.shown(blocks_of, Parts(state=True, clear=clear))]
    return [
        _session(known[stream].kind, event, row["first_at"], held.get(stream))
        for event, row in zip(shown, ends, strict=True)
        if (stream := StreamId(event.stream))
    ]


def _session(kind: str, last: Event, first_at: datetime, held: HeldBack | None) -> HeldSession:
    state = last.state if isinstance(last.state, dict) else {}
    names = fields_of(kind) if kind else {}
    deleted = names.get("deleted", "")
    return HeldSession(
        session_id=last.session_id,
        kind=kind,
        state="deleted" if state.get(deleted) else "open",
        events=last.version,
        first_at=time_text(first_at),
        last_at=last.recorded_at,
        holds={
            names[own]: state[names[own]]
            for own in names
            if own in personal_of(kind) and state.get(names[own])
        },
        hold=None if held is None else held.reason,
    )


async def users_of(reader: Reader, person: Person) -> list[User]:
    """The users who are called by the address or the name. Raises StoreDown."""
    names = dict.fromkeys(name.strip() for name in (person.email, person.name) if name)
    return [User(name, KEPT) for name in names if await is_known(reader, name)]
