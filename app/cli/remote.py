"""The log behind a running service, as reading commands see it: over HTTP, without the database."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus
from typing import Any, NoReturn, TypeVar
from urllib.parse import quote

import httpx
import msgspec
from msgspec import Struct

from app.auth.tokens import TokenInfo
from app.cli.exit_codes import Refused
from app.cli.output import plain
from app.cli.server import Server
from app.cli.source import Account, Filters
from app.history.one_event import Event
from app.history.sessions import Difference, FieldLife
from app.maintenance.store import NotReachable
from app.maintenance.users import UserInfo
from domain.errors import NotFound

T = TypeVar("T")
Parameters = Mapping[str, str | None]
_TIMES_OUT_S = 60.0
_AGAIN_S = 1.0
"""Seconds after which a feed that ended is asked for again."""
_PAGE_EVENTS = 500
_ALL_PARTS = {"changed": "true", "state": "true"}
_ADVICE = {
    HTTPStatus.UNAUTHORIZED: "the token is unknown or has ended",
    HTTPStatus.FORBIDDEN: "the token's user has no role for this",
}
_SHOWN = 4_000


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


class _Told(Struct, frozen=True):
    message: str = ""


class _Error(Struct, frozen=True, rename="camel"):
    """An error of any face."""

    error: _Told = _Told()
    response_status: _Told = _Told()
    message: str = ""


class RemoteSource:
    """The log behind a running service."""

    def __init__(self, client: httpx.AsyncClient, always: Parameters) -> None:
        """Use `remote_source`; `always`: parameters of all questions about events."""
        self._client = client
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
        ends = _decoded(last[0], _Ends, answer).next
        link = httpx.URL(answer.links.get("next", {}).get("url", ""))
        seen = [each for each in link.params.get("seen", "").split(",") if each]
        read = [partition for partition, position in ends.items() if position]
        cursor = ",".join(f"{partition}:{position}" for partition, position in ends.items())
        return cursor, dict(zip(read, seen, strict=False))

    async def _stream(self, after: str, seen: str | None) -> AsyncIterator[tuple[str, Event]]:
        """Server-Sent Events of the feed until the service ends them, each with its cursor."""
        query = {"after": after, "seen": seen, "changed": "true", **self._always}
        asked = {name: value for name, value in query.items() if value is not None}
        headers, cursor = {"Accept": "text/event-stream"}, after
        with self._told():
            async with self._client.stream(
                "GET", "/audit/feed", params=asked, headers=headers
            ) as answer:
                if answer.status_code != HTTPStatus.OK:
                    await answer.aread()
                    _refuse(answer)
                async for line in answer.aiter_lines():
                    name, _, value = line.partition(": ")
                    if name == "id":
                        cursor = value
                    elif name == "data":
                        yield cursor, _decoded(value.encode(), Event, answer)

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
        return _decoded(answer.content, _Users, answer).users

    async def tokens(self, name: str | None) -> Sequence[TokenInfo]:
        """The tokens that have not ended, of one user or all."""
        answer = await self._get("/tokens", {"userName": name}, always={})
        absent = dict.fromkeys(("expiresAt", "lastUsedAt"))
        found = _decoded(answer.content, _Tokens, answer).tokens
        whole = msgspec.json.encode([absent | each for each in found])
        return _decoded(whole, list[TokenInfo], answer)

    async def accounts(self) -> Sequence[Account]:
        """All accounts, by their ids."""
        found: list[Account] = []
        page, has_more = 0, True
        while has_more:
            query = {"all": "true", "page": str(page), "simplifiedPaging": "true"}
            answer = await self._get("/accounts", query, always={})
            listed = _decoded(answer.content, _Accounts, answer)
            found += listed.items
            page, has_more = page + 1, listed.has_more_pages and bool(listed.items)
        return sorted(found, key=lambda account: account.id)

    async def text(self, path: str, query: Parameters) -> str:
        """The text that is at a path."""
        return (await self._get(path, query, always={})).text

    async def _ask(self, path: str, form: type[T], query: Parameters) -> T:
        answer = await self._get(path, query)
        return _decoded(answer.content, form, answer)

    async def _get(
        self, path: str, query: Parameters | None = None, *, always: Parameters | None = None
    ) -> httpx.Response:
        """The answer with 200. Raises Refused, NotFound, or NotReachable."""
        given = {**(query or {}), **(self._always if always is None else always)}
        asked = {name: value for name, value in given.items() if value is not None}
        with self._told():
            answer = await self._client.get(path, params=asked)
        if answer.status_code != HTTPStatus.OK:
            _refuse(answer)
        return answer

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Raises the errors of a call in words: NotReachable, or Refused."""
        try:
            yield
        except httpx.TransportError as error:
            why = plain(str(error)) or type(error).__name__
            raise NotReachable(f"{self._client.base_url} is not reachable: {why}") from error
        except (httpx.InvalidURL, httpx.DecodingError) as error:
            raise Refused(f"{self._client.base_url} cannot be asked: {plain(str(error))}") from None


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
    places = [place.partition(":") for place in cursor.split(",")]
    if not all(partition.isdigit() for partition, _, _ in places):
        return None  # a moment that was typed
    read = [int(partition) for partition, _, position in places if position != "0"]
    if not ids.keys() >= set(read):
        return None
    return ",".join(ids[each] for each in read) or None


def _decoded(text: bytes, form: type[T], answer: httpx.Response) -> T:
    """A part of an answer. Raises NotReachable for what is none of this service's."""
    try:
        return msgspec.json.decode(text, type=form)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise NotReachable(
            f"{_place(answer)} gives an answer of another program, or of another version: {error}"
        ) from error


def _refuse(answer: httpx.Response) -> NoReturn:
    """Raise NotFound, Refused, or NotReachable for an answer with another status than 200."""
    status = answer.status_code
    said = _sentence(answer)
    if status == HTTPStatus.NOT_FOUND and said:
        raise NotFound("Session", said)
    if status in _ADVICE:
        raise Refused(f"{_place(answer)} refuses this: {_ADVICE[HTTPStatus(status)]}")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
        raise NotReachable(f"{_place(answer)} cannot answer now ({status}): {said or 'no reason'}")
    if said:
        raise Refused(said)
    raise Refused(f"{_place(answer)} answers {status}: is it a Sessionary service?")


def _sentence(answer: httpx.Response) -> str:
    """What the service says about an error; empty if it is none of ours."""
    try:
        told = msgspec.json.decode(answer.content, type=_Error)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""
    said = told.error.message or told.response_status.message or told.message
    return plain(said[:_SHOWN])


def _place(answer: httpx.Response) -> str:
    """The address of the service; the query may name persons."""
    url = answer.request.url
    return f"{url.scheme}://{url.netloc.decode()}"
