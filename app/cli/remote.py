"""The log behind a running service, as reading commands see it: over HTTP, without the database."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
import msgspec
from msgspec import Struct

from app.auth.tokens import TokenInfo
from app.cli.http_client import Http, decoded, lines, place
from app.cli.server import Server
from app.cli.source import Account, Filters
from app.history.one_event import Event
from app.history.sessions import Difference, FieldLife
from app.maintenance.store import NotReachable
from app.maintenance.users import UserInfo

T = TypeVar("T")
Parameters = Mapping[str, str | None]
_TIMES_OUT_S = 60.0
_AGAIN_S = 1.0
"""Seconds after which a feed that ended is asked for again."""
_PAGE_EVENTS = 500
_ALL_PARTS = {"changed": "true", "state": "true"}


class _Events(Struct, frozen=True):
    events: list[Event]
    next: str | None


class _Accounts(Struct, frozen=True, rename="camel"):
    items: list[Account]
    has_more_pages: bool


class _Users(Struct, frozen=True):
    users: list[UserInfo]


class _Tokens(Struct, frozen=True):
    tokens: list[dict[str, Any]]


class _Ends(Struct, frozen=True):
    next: dict[int, int]


class RemoteSource:
    """The log behind a running service."""

    def __init__(self, client: httpx.AsyncClient, always: Parameters) -> None:
        """Use `remote_source`; `always`: parameters of all questions about events."""
        self._http = Http(client)
        self._always = always
        self.has_more = False

    async def find(self, filters: Filters, limit: int) -> AsyncIterator[Event]:
        """The first events that fit."""
        given: dict[str, Any] = msgspec.to_builtins(filters)
        query = {name: value for name, value in given.items() if isinstance(value, str)}
        query |= {"reverse": str(filters.reverse).lower(), "changed": "true"}
        side: dict[str, str] = {}
        while True:
            size = {"limit": str(min(limit, _PAGE_EVENTS))}
            page = await self._ask("/audit/events.json", _Events, query | size | side)
            for event in page.events:
                yield event
                side = {"after" if filters.reverse else "before": event.place}
            limit -= len(page.events)
            self.has_more = page.next is not None
            if page.next is None or limit <= 0 or not page.events:
                return

    async def follow(self, after: str | None) -> AsyncIterator[Event]:
        """All events after a position, as they come.

        They come as one long answer, as long as the service runs: if personal data is shown, that
        is one view on record, not one for each look.
        """
        cursor, ids = (after, {}) if after else await self._end()
        while True:
            async for reached, event in self._stream(cursor, _seen(cursor, ids)):
                yield event
                cursor, ids[event.partition] = reached, str(event.event_id)
            await asyncio.sleep(_AGAIN_S)

    async def _end(self) -> tuple[str, dict[int, str]]:
        """The cursor of the feed at present, and the ids of the events there, by partition."""
        answer = await self._get("/audit/feed.ndjson", {"after": "now", "limit": "1"}, always={})
        last = answer.content.splitlines()[-1:] or [b""]
        ends = decoded(last[0], _Ends, answer).next
        link = httpx.URL(answer.links.get("next", {}).get("url", ""))
        seen = [each for each in link.params.get("seen", "").split(",") if each]
        read = [partition for partition, position in ends.items() if position]
        cursor = ",".join(f"{partition}:{position}" for partition, position in ends.items())
        return cursor, dict(zip(read, seen, strict=False))

    async def _stream(self, after: str, seen: str | None) -> AsyncIterator[tuple[str, Event]]:
        """Server-Sent Events of the feed until the service ends them, each with its cursor."""
        query = {"after": after, "seen": seen, "changed": "true", **self._always}
        headers, cursor = {"Accept": "text/event-stream"}, after
        async with self._http.streamed("/audit/feed", query, headers) as answer:
            async for line in lines(answer):
                name, _, value = line.partition(b": ")
                if name == b"id":
                    cursor = value.decode()
                elif name == b"data":
                    yield cursor, decoded(value, Event, answer)

    async def held_on(self, person: Parameters, reason: str) -> AsyncIterator[bytes]:
        """All that is held on a person, in lines without their ends; the last one has `covers`.

        Raises NotReachable if it is broken off before that.
        """
        asked = {**person, "personal": "true", "reason": reason}
        line = b""
        async with self._http.streamed("/audit/people/export", asked) as answer:
            async for line in lines(answer):
                yield line
        if not line.startswith(b'{"covers":'):
            raise NotReachable(f"{place(answer)} ended its answer too early: it is not all")

    async def event(self, named: str) -> Event:
        """The event at a position or with an id."""
        return await self._ask(f"/audit/events/{quote(named, safe=':')}", Event, _ALL_PARTS)

    async def history(self, session: str, as_of: str | None) -> AsyncIterator[Event]:
        """The events of a session up to a moment."""
        last = None if as_of is None else (await self.state(session, as_of)).version
        after = 0
        while last is None or after < last:
            limit = _PAGE_EVENTS if last is None else min(_PAGE_EVENTS, last - after)
            query = {**_ALL_PARTS, "limit": str(limit), "after": str(after) if after else None}
            page = await self._ask(f"{_session(session)}/history", _Events, query)
            for event in page.events:
                yield event
                after = event.version
            if page.next is None or not page.events:
                return

    async def state(self, session: str, as_of: str | None) -> Event:
        """The last event of a session up to a moment."""
        return await self._ask(_session(session), Event, {**_ALL_PARTS, "asOf": as_of})

    async def answer(self, session: str, as_of: str | None, face: str) -> bytes:
        """The bytes that a GET on a face gave."""
        answer = await self._get(_session(session), {"asOf": as_of, "as": face})
        return answer.content

    async def difference(self, session: str, from_: str, to: str) -> Difference:
        """The fields that differ between two moments."""
        return await self._ask(f"{_session(session)}/diff", Difference, {"from": from_, "to": to})

    async def life_of(self, session: str, field: str, as_of: str | None) -> FieldLife:
        """All events that set a field."""
        query = {"field": field, "asOf": as_of}
        return await self._ask(f"{_session(session)}/provenance", FieldLife, query)

    async def users(self) -> Sequence[UserInfo]:
        """All users."""
        answer = await self._get("/users", always={})
        return decoded(answer.content, _Users, answer).users

    async def tokens(self, name: str | None) -> Sequence[TokenInfo]:
        """The tokens that have not ended, of one user or all."""
        answer = await self._get("/tokens", {"userName": name}, always={})
        absent = dict.fromkeys(("expiresAt", "lastUsedAt"))
        found = decoded(answer.content, _Tokens, answer).tokens
        whole = msgspec.json.encode([absent | each for each in found])
        return decoded(whole, list[TokenInfo], answer)

    async def accounts(self) -> Sequence[Account]:
        """All accounts, by their ids."""
        found: list[Account] = []
        page, has_more = 0, True
        while has_more:
            query = {"all": "true", "page": str(page), "simplifiedPaging": "true"}
            answer = await self._get("/accounts", query, always={})
            listed = decoded(answer.content, _Accounts, answer)
            found += listed.items
            page, has_more = page + 1, listed.has_more_pages and bool(listed.items)
        return sorted(found, key=lambda account: account.id)

    async def text(self, path: str, query: Parameters) -> str:
        """The text that is at a path."""
        return (await self._get(path, query, always={})).text

    async def _ask(self, path: str, form: type[T], query: Parameters) -> T:
        answer = await self._get(path, query)
        return decoded(answer.content, form, answer)

    async def _get(
        self, path: str, query: Parameters | None = None, *, always: Parameters | None = None
    ) -> httpx.Response:
        """The answer with 200. Raises Refused, NotFound, or NotReachable."""
        given = self._always if always is None else always
        return await self._http.get(path, {**(query or {}), **given})


@asynccontextmanager
async def remote_source(server: Server, always: Parameters) -> AsyncIterator[RemoteSource]:
    """The log behind a service; `always`: parameters of all questions about events."""
    headers = {"Authorization": f"Bearer {server.token}", "Accept": "application/json"}
    timeout = httpx.Timeout(_TIMES_OUT_S, connect=10.0)
    async with httpx.AsyncClient(
        base_url=server.url, headers=headers, timeout=timeout, verify=ssl.create_default_context()
    ) as client:
        yield RemoteSource(client, always)


def _session(name: str) -> str:
    return f"/audit/sessions/{quote(name, safe=':')}"


def _seen(cursor: str, ids: Mapping[int, str]) -> str | None:
    """The ids of the events at a cursor of the feed; None if not all of them are known."""
    places = [each.partition(":") for each in cursor.split(",")]
    if not all(partition.isdigit() for partition, _, _ in places):
        return None  # a moment that was typed
    read = [int(partition) for partition, _, position in places if position != "0"]
    if not ids.keys() >= set(read):
        return None
    return ",".join(ids[each] for each in read) or None
