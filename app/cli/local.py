"""The log in a database, as reading commands see it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from uuid import UUID

import asyncpg
from msgspec.structs import replace

from app.cli.known import known
from app.cli.source import Filters
from app.history import moments, sessions
from app.history.bounds import bounds_of
from app.history.cursor import cursor_at, require_there
from app.history.feed import blocks_of, following
from app.history.followed import NotYet
from app.history.moments import Cut, present_cut
from app.history.one_event import Event, Parts
from app.history.reader import Reader, in_blocks, reader_on
from app.history.search import EventQuery, find
from app.history.sessions import Clock, Difference, FieldLife, Session, session_named
from app.history.terms import Terms
from app.history.unfollowed import unfollowed
from app.log.audited import AuditedEvent
from app.log.keyring import Keyring
from app.log.read import LAST_VERSION
from app.maintenance.store import Connection
from domain.errors import NotFound

_PAGE_EVENTS = 500
_LOOK_EVERY_S = 0.5
_WAIT_S = 1.0
"""For the index to have the last events: a service that runs follows within a fraction of it."""
_WITH_CHANGES = Parts(changed=True, clear=True)
_ALL_PARTS = Parts(changed=True, state=True, clear=True)


class _Store:
    """A command's connection; on a standby too, where no append can be under way."""

    def __init__(self, store: Connection) -> None:
        self._store = store

    async def ask(self, sql: str, *arguments: object) -> Sequence[asyncpg.Record]:
        try:
            return await self._store.ask(sql, *arguments)
        except asyncpg.ReadOnlySQLTransactionError:
            if sql != moments.SQL["settle"]:
                raise
            return []


class _Log:
    """The log as a search needs it."""

    def __init__(self, reader: Reader) -> None:
        self.reads = reader.store
        self.keyring = reader.keyring
        self.partition = reader.partition

    def fingerprint(self, text: bytes) -> bytes:
        return self.keyring.fingerprint(text)


class LocalSource:
    """The log in a database."""

    def __init__(self, reader: Reader, clock: Clock) -> None:
        """Use `local_source`."""
        self._reader = reader
        self._clock = clock
        self.has_more = False

    async def find(self, filters: Filters, limit: int) -> AsyncIterator[Event]:
        """The first events that fit."""
        blocks = self._found_by(await self._query(filters, limit), limit)
        async for event in self._reader.shown(blocks, _WITH_CHANGES):
            yield event

    async def _found_by(self, query: EventQuery, limit: int) -> AsyncIterator[list[AuditedEvent]]:
        """The first events that fit, in blocks."""
        log, left = _Log(self._reader), limit
        async for events, has_more in self._pages(log, query):
            self.has_more = has_more or len(events) > left
            async for block in in_blocks(events[:left]):
                yield list(block)
            left -= len(events)
            if left <= 0:
                return

    async def _pages(
        self, log: "_Log", query: EventQuery
    ) -> AsyncIterator[tuple[list[AuditedEvent], bool]]:
        """All events that fit, page by page, each with whether there are more."""
        new: list[AuditedEvent] = []
        try:
            page = await find(log, query, wait_s=_WAIT_S)
        except NotYet:
            found = await unfollowed(self._reader, Terms(log.fingerprint), query)
            new = found.events
            until = query.until or found.after
            query = replace(query, until=tuple(map(min, until, found.after)))
            page = await find(log, query, wait_s=_WAIT_S)
        if new and not query.reverse:
            yield new[::-1], bool(page.events)
        while True:
            yield page.events, page.has_more or (query.reverse and bool(new))
            if not page.has_more:
                break
            side = "after" if query.reverse else "before"
            query = replace(query, **{side: page.next})
            page = await find(log, query, wait_s=_WAIT_S)
        if new and query.reverse:
            yield new, False

    async def _query(self, filters: Filters, limit: int) -> EventQuery:
        bounds = await bounds_of(
            self._reader.store, self._clock, since=filters.since, until=filters.until
        )
        session = filters.session and await session_named(self._reader, filters.session)
        return EventQuery(
            actor=filters.actor,
            type=known("type", filters.type),
            operation=known("operation", filters.operation),
            face=known("face", filters.face),
            account=filters.account,
            field=known("field", filters.field),
            client=filters.client,
            request=filters.request,
            stream=session.stream if session else None,
            since=bounds.low,
            until=bounds.high,
            reverse=filters.reverse,
            limit=min(limit, _PAGE_EVENTS),
        )

    async def follow(self, after: str | None) -> AsyncIterator[Event]:
        """All events after a position, as they come."""
        store = self._reader.store
        cut = await (present_cut(store) if after is None else self._cut(after))
        cursor = await cursor_at(store, cut)
        while True:
            ends = await present_cut(store)
            await require_there(store, cursor)
            events = blocks_of(following(self._reader, cursor.cut, ends))
            async for event in self._reader.shown(events, _WITH_CHANGES):
                yield event
                cursor = cursor.moved(event.partition, event.position, event.event_id)
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _cut(self, position: str) -> Cut:
        bounds = await bounds_of(self._reader.store, self._clock, after=position)
        assert bounds.low is not None  # it was given
        return bounds.low

    async def event(self, named: str) -> Event:
        """The event at a position or with an id."""
        found = await self._found(named)
        if not found:
            raise NotFound("Event", named)
        async for event in self._reader.shown(in_blocks(found), _ALL_PARTS):
            return event
        raise NotFound("Event", named)

    async def _found(self, named: str) -> list[AuditedEvent]:
        partition, colon, position = named.partition(":")
        place: tuple[int, int] | None
        if colon:
            place = int(partition), int(position)
        else:
            place = await self._reader.place_of(UUID(named))
        event = place and await self._reader.event(*place)
        return [event] if event else []

    async def history(self, session: str, as_of: str | None) -> AsyncIterator[Event]:
        """The events of a session up to a moment."""
        known, version = await self._at(session, as_of)
        events = sessions.history(self._reader, known.stream, until=version, parts=_ALL_PARTS)
        async for event in events:
            yield event

    async def state(self, session: str, as_of: str | None) -> Event:
        """The last event of a session up to a moment."""
        known, version = await self._at(session, as_of)
        if version == LAST_VERSION:
            partition = self._reader.partition(known.stream)
            head = (await present_cut(self._reader.store))[partition]
            version = await self._reader.version_at(known.stream, head) or 0
        return await sessions.event_at(self._reader, known, version, _ALL_PARTS)

    async def difference(self, session: str, from_: str, to: str) -> Difference:
        """The fields that differ between two moments."""
        known = await session_named(self._reader, session)
        first = await self._version(known, from_, "--diff")
        last = await self._version(known, to, "--diff")
        return await sessions.difference(self._reader, known, first, last, clear=True)

    async def life_of(self, session: str, field: str, as_of: str | None) -> FieldLife:
        """All events that set a field."""
        known, version = await self._at(session, as_of)
        return await sessions.life_of(self._reader, known, field, until=version, clear=True)

    async def _at(self, name: str, as_of: str | None) -> tuple[Session, int]:
        """A session, and its version at a moment, which is not before its first event."""
        known = await session_named(self._reader, name)
        if as_of is None:
            return known, LAST_VERSION
        version = await self._version(known, as_of, "--as-of")
        if version == 0:
            raise NotFound("Session", f"{name} at {as_of}")
        return known, version

    async def _version(self, known: Session, moment: str, option: str) -> int:
        version, _ = await sessions.version_at(self._reader, known, moment, option, self._clock)
        return version


async def local_source(store: Connection, keyring: Keyring, clock: Clock) -> LocalSource:
    """The log in a command's database."""
    return LocalSource(await reader_on(_Store(store), keyring), clock)
