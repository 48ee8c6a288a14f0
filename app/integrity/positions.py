"""Checks of the log itself: no holes, no times that run backwards, no sequences that are behind.

The log is read in pieces, each by a statement of its own: a long snapshot would keep old versions
of the rows that every append writes.
"""

from collections.abc import AsyncIterator, Mapping, Sequence

from app.chat.numbers import FEW_LEFT, MAX_NUMBER, MESSAGES, SESSIONS
from app.database.sql import blocks
from app.log.read import Head
from app.maintenance.store import Connection
from domain.chat.events import ChatMessageAdded, ChatSessionCreated
from domain.event import Event

SQL = blocks(__file__)
_AT_A_TIME = 10_000
_BEFORE_ALL = -(2**63)
_MAX_BACKWARDS = 20
_FEW_SECONDS = 1.0
"""A head that is ahead of the clock by less needs no warning."""


class Largest:
    """The largest numbers in events, by the sequence that they were drawn from."""

    def __init__(self) -> None:
        """Start at 0 for each sequence."""
        self.numbers: dict[str, int] = {SESSIONS: 0, MESSAGES: 0}

    def see(self, event: Event) -> None:
        """Take an event's number into account."""
        match event:
            case ChatSessionCreated(chat_session_id=number):
                self.numbers[SESSIONS] = max(self.numbers[SESSIONS], number)
            case ChatMessageAdded(message_id=number):
                self.numbers[MESSAGES] = max(self.numbers[MESSAGES], number)


async def wrong_positions(store: Connection, ends: Sequence[Head]) -> AsyncIterator[str]:
    """Faults of positions and times, in sentences; `ends`: heads that were read before."""
    told = 0
    for end in ends:
        events, after = 0, _BEFORE_ALL
        while after < end.position:
            upto = min(max(after, 0) + _AT_A_TIME, end.position)
            ((found, backwards),) = await store.ask(SQL["positions"], end.partition, after, upto)
            for position in backwards[: _MAX_BACKWARDS - told]:
                told += 1
                yield f"Position {end.partition}:{position} is earlier than the one before it"
            events, after = events + found, upto
        ((head, more, last),) = await store.ask(SQL["beyond"], end.partition, after)
        if events + more != head or last != head:
            yield (
                f"Partition {end.partition}: the head is at {head}, but there are "
                f"{events + more} events, the last at {last}"
            )
    for row in await store.ask(SQL["strays"]):
        yield f"There are {row['events']} events in partition {row['partition']}, which has no head"


async def sequences_behind(store: Connection, largest: Mapping[str, int]) -> list[str]:
    """The sequences behind the log, with the remedy; `largest`: numbers that were read before."""
    found = []
    for sequence, number in largest.items():
        last = (await store.ask(SQL["drawn"], sequence))[0]["last"] or 0
        if last < number:
            mend = SQL["mend"].format(sequence=sequence, number=number)
            found.append(
                f"The sequence {sequence} is at {last}, but the log has {number}: the service "
                f"passes over taken numbers as it meets them; `{mend}` passes over all of them"
            )
    return found


async def warnings(store: Connection) -> list[str]:
    """Warnings of conditions that are not differences but will cause trouble, in sentences."""
    found = [
        f"Partition {row['partition']}: the time of its head, {row['recorded_at'].isoformat()}, is "
        f"{row['seconds']:.0f} s ahead of the clock; until then all new events have that time"
        for row in await store.ask(SQL["ahead"])
        if row["seconds"] >= _FEW_SECONDS
    ]
    for sequence in (SESSIONS, MESSAGES):
        last = (await store.ask(SQL["drawn"], sequence))[0]["last"] or 0
        if last >= FEW_LEFT * MAX_NUMBER:
            found.append(f"Numbers run out: {sequence} is at {last}, {MAX_NUMBER} is the last")
    return found
