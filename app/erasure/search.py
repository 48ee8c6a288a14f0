"""The sessions that hold an e-mail address, a phone number or a name, now or in their past.

The index of the follower `people` has all but the last events, which are read one by one.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from app.codecs.json_text import BadInput
from app.database.sql import blocks
from app.erasure.first_events import first_events
from app.history.feed import following
from app.history.followed import PEOPLE, NotYet, reached, wait_for
from app.history.moments import Cut, present_cut
from app.history.person_terms import (
    EMAIL,
    MAX_CHARACTERS,
    MAX_DIGITS,
    MIN_DIGITS,
    NAME,
    PHONE,
    erases,
    normal_name,
    normal_phone,
    person_term,
    terms_of_person,
)
from app.history.reader import Reader
from app.history.terms import Terms
from app.history.unfollowed import MAX_EVENTS
from domain.ids import StreamId

SQL = blocks(__file__)
WAIT_S = 2.0
"""How long a search waits for the index to have all events."""


class Person(Struct, frozen=True, kw_only=True):
    """By what a person is looked for; a session has to hold all that is given."""

    email: str | None = None
    phone: str | None = None
    name: str | None = None

    def terms(self, hashed: Terms) -> list[int]:
        """The terms of that."""
        given = {EMAIL: self.email, PHONE: self.phone, NAME: self.name}
        return [person_term(hashed, kind, text) for kind, text in given.items() if text]


async def streams_of(
    reader: Reader,
    hashed: Terms,
    person: Person,
    *,
    after: StreamId | None = None,
    most: int,
    wait_s: float = WAIT_S,
) -> list[StreamId]:
    """The first sessions that hold it, after a stream, in the order of their ids.

    Raises NotYet if the index is too far behind, StoreDown.
    """
    wanted = person.terms(hashed)
    touched = await _touched(reader, hashed, await _settled(reader, wait_s))
    # (Those that are left out below must not leave the page short.)
    found = await reader.store.ask(SQL["found"], wanted, after, most + len(touched))
    known = {StreamId(row["stream"]) for row in found}
    for stream, terms in touched.items():
        known.discard(stream)
        if terms.issuperset(wanted) and (after is None or stream > after):
            known.add(stream)
    return sorted(known)[:most]


async def newest_of(
    reader: Reader,
    hashed: Terms,
    person: Person,
    *,
    after: StreamId | None = None,
    most: int,
    wait_s: float = WAIT_S,
) -> list[StreamId]:
    """The sessions that hold it and were opened last, the newest first, after one of them.

    Raises BadInput if `after` is no session, NotYet if the index is too far behind, StoreDown.
    """
    wanted = person.terms(hashed)
    last = await _opened(reader, [] if after is None else [after])
    if after is not None and not last:
        raise BadInput("after takes what `next` of the page before has", field="after")
    at, stream = last[0] if last else (None, None)
    touched = await _touched(reader, hashed, await _settled(reader, wait_s))
    rows = await reader.store.ask(SQL["newest"], wanted, at, stream, most + len(touched))
    known = {(row["opened_at"], row["stream"]) for row in rows if row["stream"] not in touched}
    new = [each for each, terms in touched.items() if terms.issuperset(wanted)]
    known.update(each for each in await _opened(reader, new) if not last or each < last[0])
    return [StreamId(stream) for _, stream in sorted(known, reverse=True)[:most]]


async def _opened(reader: Reader, streams: Sequence[StreamId]) -> list[tuple[datetime, UUID]]:
    """When sessions were opened, of those that there are."""
    return [(row["recorded_at"], row["stream"]) for row in await first_events(reader, streams)]


async def _settled(reader: Reader, wait_s: float) -> tuple[Cut, Cut]:
    """Where the index ends and where the log does. Raises NotYet, StoreDown."""
    end = await present_cut(reader.store)
    try:
        await wait_for(reader.store, end, wait_s, PEOPLE)
    except NotYet as late:
        if late.behind > MAX_EVENTS:
            raise
        return await reached(reader.store, PEOPLE), end
    return end, end


async def _touched(
    reader: Reader, hashed: Terms, between: tuple[Cut, Cut]
) -> Mapping[StreamId, set[int]]:
    """All terms of the sessions that have events which the index does not have yet."""
    added: dict[StreamId, set[int]] = defaultdict(set)
    erased: set[StreamId] = set()
    done, end = between
    if done == end:
        return {}
    async for event in following(reader, done, end):
        if erases(event.topic):
            erased.add(event.stream)
        elif terms := terms_of_person(hashed, event):
            added[event.stream] |= terms
    kept = [stream for stream in added if stream not in erased]
    for row in await reader.store.ask(SQL["terms"], list(map(reader.partition, kept)), kept):
        added[row["stream"]].add(row["term"])
    for stream in erased:
        added[stream] = await _left(reader, hashed, stream)
    return added


async def _left(reader: Reader, hashed: Terms, stream: StreamId) -> set[int]:
    """The terms that a session still has."""
    found: set[int] = set()
    async for event in reader.whole(stream):
        found |= terms_of_person(hashed, event)
    return found


def require_sense(person: Person) -> None:
    """Raise BadInput for what nobody can be found by; the value is not in the message."""
    email, phone, name = person.email, person.phone, person.name
    if email is None and phone is None and name is None:
        raise BadInput("Give an e-mail address, a phone number or a name", field="email")
    if email is not None and not ("@" in email and len(email) <= MAX_CHARACTERS):
        raise BadInput("email takes an address such as kim@example.com", field="email")
    if phone is not None and not MIN_DIGITS <= len(normal_phone(phone)) <= MAX_DIGITS:
        raise BadInput(f"phone takes {MIN_DIGITS} to {MAX_DIGITS} digits", field="phone")
    if name is not None and not 1 <= len(normal_name(name)) <= MAX_CHARACTERS:
        raise BadInput(f"name takes 1 to {MAX_CHARACTERS} characters", field="name")
