"""The feed of the log: pages, long polls, and Server-Sent Events.

A cursor names the last position of each partition that a reader has. Within a partition nothing
ever appears at or below it, so a reader that begins again at its cursor misses nothing and gets
nothing twice. With the ids of the events there, that holds across a restore of an older backup: the
cursor is refused if the log has other events there.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from uuid import UUID

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from app.auth.principals import Forbidden, Unauthenticated
from app.auth.throttle import Throttled
from app.codecs.answer_budget import AnswerBudget
from app.codecs.json_text import BadInput
from app.concurrency.expected_wait import TooManyBefore
from app.database.errors import StoreDown, TooSlow
from app.faces.audit.answers import Page, events_reply, link, page_of, url_with
from app.faces.audit.query import MAX_EVENTS, PARTS, Query
from app.faces.audit.rights import POLICY, may_audit
from app.faces.audit.viewing import record_view
from app.history.cursor import Cursor, CursorLost, cursor_at, ids_at, require_there
from app.history.feed import blocks_of, following
from app.history.moments import Cut, Moment, Positions, cut_of, parse, written
from app.history.one_event import Event, Parts
from app.http.identify import identify
from app.http.request import Reply, Request
from app.log.read import LAST_VERSION
from app.pages.forms import EVENT_STREAM, Form, form_of, wants_event_stream
from app.pages.twins import reply
from app.proof.one_line import one_line
from app.service import Service

MAX_WAIT_S = 60
MAX_WAITING = 256
"""Long polls and event streams of one worker at a time."""
QUIET_S = 15.0
"""After so long without events, a stream says that it is there, and looks whether it still may."""
_LOOK_S = 1.0
"""Seconds between two looks whether the worker is about to end."""
_PART_BYTES = 32 * 1024
_EVENT_STREAM = f"{EVENT_STREAM}; charset=utf-8".encode()
_AGAIN = b"retry: 1000\n\n"


class Reading(Struct, frozen=True):
    """What a reader of the feed asks for."""

    after: Cursor
    only: int | None
    parts: Parts


class _Waiting:
    """How many readers wait in this worker."""

    count = 0

    @classmethod
    def require_room(cls) -> None:
        """Raise TooManyBefore if so many wait already."""
        if cls.count >= MAX_WAITING:
            raise TooManyBefore(f"{MAX_WAITING} readers of the feed wait already: try again")

    def __enter__(self) -> None:
        _Waiting.count += 1

    def __exit__(self, *_: object) -> None:
        _Waiting.count -= 1


async def get_feed(request: Request, service: Service) -> Reply:
    """`GET /audit/feed?after=`: oldest first, from a cursor on."""
    query = Query(request, ("after", "seen", "limit", "wait", "partition", *PARTS))
    limit = query.limit(MAX_EVENTS)
    wait_s = query.number("wait", 0, least=0, most=MAX_WAIT_S)
    _Waiting.require_room()
    if wants_event_stream(request):
        reading = await _reading(service, query, request.headers.get(b"last-event-id"))
        await record_view(request, service, query)
        stream = _event_stream(request, service, reading)
        return Reply(200, content_type=_EVENT_STREAM, stream=stream)
    form = form_of(request, Form.NDJSON)
    reading = await _reading(service, query, None)
    with _Waiting():
        ends = await _grown(service, reading, wait_s)
    events = _events(service, reading, ends)
    page = await page_of(events, form, limit, AnswerBudget(service.settings.answer_bytes))
    # (Now: another log may have taken the place of the one whose cursor it is.)
    await require_there(service.pool, reading.after)
    await record_view(request, service, query)
    return _page_reply(request, form, page, reading)


async def _reading(service: Service, query: Query, last_id: bytes | None) -> Reading:
    """What is asked for; `last_id`: the cursor of a stream that was cut. Raises BadInput."""
    field, text = "after", query.text("after")
    if last_id:
        field, text = "Last-Event-ID", last_id.decode("latin-1")
    partitions = service.log.partitions
    only: int | None = None
    if query.text("partition") is not None:
        only = query.number("partition", 0, least=0, most=partitions - 1)
    if text is None:
        return Reading(Cursor((0,) * partitions, {}), only, query.parts())
    now, zone = query.clock.now, query.clock.zone
    moment = parse(text, field, zone=zone, now=now)
    if only is not None and isinstance(moment, Positions) and only not in moment.by_partition:
        raise BadInput(f"{field} names no position of partition {only}", field=field)
    if (ids := query.text("seen")) is not None:
        await _require_seen(service, moment, ids)
    cut = await cut_of(service.pool, moment, field, now=now)
    return Reading(await cursor_at(service.pool, cut), only, query.parts())


async def _require_seen(service: Service, moment: Moment, ids: str) -> None:
    """Raise CursorLost unless the events at a cursor have these ids; BadInput if they are none."""
    if not isinstance(moment, Positions):
        raise BadInput("seen takes ids beside positions in after, such as 0:17", field="seen")
    read = {number: at for number, at in moment.by_partition.items() if at}
    try:
        seen = dict(zip(read, map(UUID, ids.split(",")), strict=True))
    except ValueError:
        raise BadInput(
            "seen takes the id of the event at each position in after, in the same order",
            field="seen",
        ) from None
    if await ids_at(service.pool, read) != seen:
        raise CursorLost(read)


async def _grown(service: Service, reading: Reading, wait_s: float) -> Cut:
    """The end of the log, once it has more for a reader, or else after `wait_s`."""
    # (Of the other partitions, nothing that comes is news.)
    known = [
        end if reading.only in (None, number) else LAST_VERSION
        for number, end in enumerate(reading.after.cut)
    ]
    return await service.tail.beyond(known, wait_s)


def _events(service: Service, reading: Reading, ends: Cut) -> AsyncIterator[Event]:
    reader = service.reader
    found = following(reader, reading.after.cut, ends, only=reading.only)
    return reader.shown(blocks_of(found), reading.parts)


def _page_reply(request: Request, form: Form, page: Page, reading: Reading) -> Reply:
    cursor = reading.after
    for event in page.reached.values():
        cursor = cursor.moved(event.partition, event.position, event.event_id)
    wanted = range(len(cursor.cut)) if reading.only is None else (reading.only,)
    ends = {str(number): cursor.cut[number] for number in wanted}
    seen = ",".join(str(event_id) for _, event_id in sorted(cursor.ids.items())) or None
    next_url = url_with(request, after=written(cursor.cut), seen=seen)
    if form is Form.NDJSON:
        last = msgspec.json.encode({"next": ends}) + b"\n"
        return reply(form, b"".join([*page.written, last]), [link(next_url, "next")])
    if form is Form.JSON:
        events = [Raw(part) for part in page.written]
        body = msgspec.json.encode({"events": events, "next": ends})
        return reply(form, body, [link(next_url, "next")])
    return events_reply(request, form, page, next_url)


async def _event_stream(
    request: Request, service: Service, reading: Reading
) -> AsyncGenerator[bytes, None]:
    """The events as they come, until the caller may no longer read them, or the worker ends."""
    loop = asyncio.get_running_loop()
    cursor, looked_at = reading.after, loop.time()
    with (
        _Waiting(),
        suppress(StoreDown, TooSlow, Unauthenticated, Forbidden, Throttled, CursorLost),
    ):
        yield _AGAIN
        while not service.draining:
            here = replace(reading, after=cursor)
            ends = await _grown(service, here, _LOOK_S)
            async for reached, part in _frames(_events(service, here, ends), cursor):
                await require_there(service.pool, cursor)
                cursor = reached
                yield part
            if any(end < at for end, at in zip(ends, cursor.cut, strict=True)):
                await require_there(service.pool, cursor)
            if loop.time() - looked_at >= QUIET_S:
                looked_at = loop.time()
                yield b":\n\n"
                may_audit(await identify(request, POLICY, service, is_safe=True))


async def _frames(
    events: AsyncIterator[Event], cursor: Cursor
) -> AsyncIterator[tuple[Cursor, bytes]]:
    """Parts of a stream, each with the cursor after it."""
    parts: list[bytes] = []
    size = 0
    async for event in events:
        cursor = cursor.moved(event.partition, event.position, event.event_id)
        name = " ".join(event.type.split())
        parts.append(
            f"id: {written(cursor.cut)}\nevent: {name}\ndata: ".encode()
            + one_line(msgspec.json.encode(event))
            + b"\n\n"
        )
        size += len(parts[-1])
        if size >= _PART_BYTES:
            yield cursor, b"".join(parts)
            parts, size = [], 0
    if parts:
        yield cursor, b"".join(parts)
