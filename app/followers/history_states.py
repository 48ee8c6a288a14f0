"""The states of streams that the follower of histories goes on from, where it remembers none."""

from collections.abc import Sequence
from contextlib import suppress
from enum import Enum

import msgspec

from app.database.sql import blocks
from app.followers.pace import Pace
from app.history.streams import BrokenStream, Damaged, FoldedStream, folded_on
from app.log.audited import AuditedEvent
from app.log.errors import Unreadable, UnreadableEvent
from app.log.log import Log
from app.queries.views import folded_row
from domain.ids import StreamId
from projections.catalog import CURRENT

_VERSIONS = {
    kind: blocks(__file__)["versions"].format(history=view.history)
    for kind, view in CURRENT.items()
}


class Held(Enum):
    """Says of a stream that it waits in quarantine."""

    HELD = "in quarantine"


HELD = Held.HELD
State = FoldedStream | Damaged | Held | None
"""A stream before its next event; None: it has none. Damaged: it cannot be folded up to there."""


async def from_rows(
    log: Log, partition: int, kind: str, wanted: Sequence[AuditedEvent]
) -> dict[StreamId, State]:
    """The states of streams from their last rows, as far as these are there."""
    if kind not in _VERSIONS:
        return {}
    rows = await log.pool.ask(
        _VERSIONS[kind],
        partition,
        [event.stream for event in wanted],
        [event.version - 1 for event in wanted],
    )
    found: dict[StreamId, State] = {}
    for row in rows:
        with suppress(msgspec.MsgspecError, Unreadable):  # then its stream is folded again
            folded = folded_row(kind, row, log.open_in_view)
            found[row["stream_id"]] = CURRENT[kind], folded
    return found


async def refolded(log: Log, pace: Pace, event: AuditedEvent) -> State:
    """The stream before an event, from the log: a deleted one has no row, for instance."""
    folded: FoldedStream | None = None
    try:
        while folded is None or folded[1].version < event.version - 1:
            after = 0 if folded is None else folded[1].version
            slices = await log.slices(event.stream, after=after, until=event.version - 1, boxes={})
            async for recorded in pace.each(slices):
                folded = folded_on(folded, recorded)
            if folded is None or folded[1].version == after:
                raise Unreadable(f"stream {event.stream} has no version {after + 1}")
    except (UnreadableEvent, BrokenStream) as damaged:
        return damaged
    return folded
