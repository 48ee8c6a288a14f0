"""Who may call, who called, and who looked: events of principals, and views of personal data."""

from collections.abc import Sequence

from app.database.sql import blocks
from app.history.bounds import Bounds
from app.history.moments import Cut, present_cut
from app.history.reader import Reader
from app.log.audited import AuditedEvent, audited
from app.log.read import LAST_VERSION
from app.log.versions import versions_at
from domain.ids import StreamId, audit_stream, principal_stream

SQL = blocks(__file__)


async def access_events(
    reader: Reader, bounds: Bounds, principal: str | None, *, most: int
) -> list[AuditedEvent]:
    """The last such events within bounds, newest first; `principal`: whose. Raises StoreDown."""
    low, high = await _ends(reader, bounds)
    if principal is None:
        rows = await reader.store.ask(SQL["of_all"], list(low), list(high), most)
        return audited(reader.keyring, rows)
    found: list[AuditedEvent] = []
    for stream in (principal_stream(principal), audit_stream(principal)):
        found += await _of_stream(reader, stream, low, high, most)
    found.sort(key=lambda each: (each.recorded_at, each.partition, each.position), reverse=True)
    return found[:most]


async def is_known(reader: Reader, principal: str) -> bool:
    """Whether a principal has, or had, events. Raises StoreDown."""
    for stream in (principal_stream(principal), audit_stream(principal)):
        if await reader.versions(stream, until=1, most=1):
            return True
    return False


async def _of_stream(
    reader: Reader, stream: StreamId, low: Cut, high: Cut, most: int
) -> Sequence[AuditedEvent]:
    partition = reader.partition(stream)
    bounds = low[partition], high[partition]
    found = await versions_at(reader.store, partition, stream, bounds)
    if found is None:
        return []
    rows = await reader.store.ask(SQL["of_stream"], partition, stream, *found, most)
    return audited(reader.keyring, rows)


async def _ends(reader: Reader, bounds: Bounds) -> tuple[Cut, Cut]:
    ends = await present_cut(reader.store)
    return bounds.low or tuple(0 for _ in ends), bounds.high or tuple(LAST_VERSION for _ in ends)
