"""Which sessions an erasure of a person is about, and whose data in each."""

from collections.abc import Sequence

from msgspec import UNSET, Struct

from app.erasure.search import Person, require_sense, streams_of
from app.history.person_terms import EMAIL, held_by, normal_email
from app.history.reader import Reader
from app.history.search import SearchedLog
from app.history.sessions import Session
from app.history.terms import Terms
from domain.event import Subject
from domain.ids import StreamId
from projections.fold import Recorded

_AT_A_TIME = 500
_SUBJECTS: tuple[Subject, ...] = ("customer", "agent")


class OfPerson(Struct):
    """What is to be erased of a person."""

    subjects: dict[StreamId, list[Subject]] = {}
    """By session, whose data in it is the person's."""
    sessions: list[Session] = []
    mentioned: list[str] = []
    """The ids of chats of customers with another address."""


async def of_person(log: SearchedLog, reader: Reader, email: str) -> OfPerson:
    """The sessions that hold an address now, or held it in their past.

    Raises BadInput for what is no address, NotYet, StoreDown.
    """
    person, hashed = Person(email=email), Terms(log.fingerprint)
    require_sense(person)
    found, after = OfPerson(), None
    while streams := await streams_of(reader, hashed, person, after=after, most=_AT_A_TIME):
        some = await of_streams(reader, streams, email)
        found.subjects |= some.subjects
        found.sessions += some.sessions
        found.mentioned += some.mentioned
        after = streams[-1]
    return found


async def of_streams(reader: Reader, streams: Sequence[StreamId], email: str) -> OfPerson:
    """The same, of some of the sessions that hold it, in their order. Raises StoreDown."""
    found = OfPerson()
    for stream in streams:
        await _add(found, reader, stream, normal_email(email))
    return found


async def _add(found: OfPerson, reader: Reader, stream: StreamId, email: str) -> None:
    held: dict[Subject, None] = {}
    own: set[str] = set()
    async for event in reader.whole(stream):
        if isinstance(event.recorded, Recorded):
            fields = event.recorded.event
            for subject in _SUBJECTS:
                if (EMAIL, email) in held_by(fields, subject):
                    held[subject] = None
            address = getattr(fields, "customer_email", UNSET)
            if isinstance(address, str) and address.strip():
                own.add(normal_email(address))
    identity = await reader.identity(stream)
    if "customer" in held and own and email not in own:
        found.mentioned.append(identity.session_id)
        del held["customer"]
    if held:
        found.subjects[stream] = list(held)
        found.sessions.append(
            Session(identity.session_id, stream, identity.kind, identity.session_id)
        )
