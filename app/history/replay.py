"""`replay`: a session's events, each with the fields it changed and the state after it."""

from collections.abc import AsyncIterator
from datetime import datetime
from itertools import takewhile
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from app.history.named import stream_named as stream_named
from app.history.one_event import Event, Parts, Step, shown_event, stepped
from app.history.reader import PAGE_EVENTS, Reader, reader_on
from app.log.audited import AuditedEvent
from app.log.keyring import Keyring
from app.log.read import LAST_VERSION
from app.maintenance.store import Connection
from domain.ids import StreamId
from projections.fold import Folded

_TIME = Annotated[datetime, Meta(tz=True)]
_PARTS = Parts(changed=True, state=True, clear=True)


async def replay(
    store: Connection, keyring: Keyring, stream: StreamId, as_of: int | datetime | None
) -> AsyncIterator[Event]:
    """The events of a stream, oldest first, up to a version or a time; none if it has no events.

    Events are read page by page, and none beyond the page that reaches the limit.
    """
    reader = await reader_on(store, keyring)
    folded: Folded[Any] | None = None
    async for page in _pages(reader, stream, as_of):
        identity = await reader.identity(stream)
        for event in page:
            before, folded = folded, stepped(identity.kind, folded, event)
            yield shown_event(Step(event, before, folded), identity, _PARTS)


async def _pages(
    reader: Reader, stream: StreamId, as_of: int | datetime | None
) -> AsyncIterator[list[AuditedEvent]]:
    after, until = 0, as_of if isinstance(as_of, int) else LAST_VERSION
    while page := await reader.versions(stream, after=after, until=until, most=PAGE_EVENTS):
        after = page[-1].version
        if isinstance(as_of, datetime) and page[-1].recorded_at > as_of:
            # (Times never run backwards.)
            yield list(takewhile(lambda event: event.recorded_at <= as_of, page))
            return
        yield page


def as_of(text: str) -> int | datetime:
    """A version, or a time in ISO 8601 with its offset. Raises ValueError."""
    if text.isascii() and text.isdigit():
        return int(text)
    try:
        return msgspec.convert(text, _TIME)
    except msgspec.ValidationError:
        raise ValueError(
            f"{text!r} is neither a version nor a time such as 2026-11-21T10:00:00Z"
        ) from None
