"""The follower of histories: the versions of the views' rows, and the index of events."""

import logging
from collections.abc import Sequence
from typing import Any

from app.commands.snapshots import Snapshot, SnapshotCache
from app.database.sql import blocks
from app.followers.follower import Follower
from app.followers.history_batch import HistoryBatch
from app.followers.history_states import HELD, Held, State, from_rows, refolded
from app.followers.pace import Pace
from app.followers.quarantine import Waiting, arrays, failure, next_of
from app.history.followed import FOLLOWERS, own_follower
from app.history.streams import BrokenStream, Damaged, folded_on
from app.history.terms import Terms
from app.log.audited import AuditedEvent, read_on
from app.log.errors import UnreadableEvent
from app.log.log import Log
from app.log.read import SLICE_EVENTS, Asks
from app.telemetry import metrics
from domain.event import kind_of
from domain.ids import StreamId
from projections.catalog import CURRENT, VIEWS
from projections.fold import Folded, Recorded
from projections.view import View

SQL = blocks(__file__)
_LOG = logging.getLogger("sessionary")
NAME = FOLLOWERS[0]
REACH = "history_reach"
"""A table to which the followers of single views write, too."""
CACHE_BYTES = 8 * 1024 * 1024
"""For the states of streams that changed last; the others are read from their last rows."""
_STATE_BYTES = 1_000
BATCH_CHARACTERS = 4 * 1024 * 1024
"""Of documents: a batch ends after the event that exceeds this."""


def follower(
    log: Log, share: float, own: View | None = None
) -> Follower[HistoryBatch, AuditedEvent]:
    """A worker's follower of histories; `share`: of its time, while it serves others.

    `own`: the one view whose history it keeps, as there are several versions of it; None: it keeps
    those of all other views, and the index.
    """
    pace = Pace(share, metrics.answered)
    work = History(log, pace, own)
    log.incarnation.on_change(work.forget)
    return Follower(log.pool, log.keyring, work, pace, read_on)


async def kept(store: Asks) -> list[View]:
    """The views whose histories the follower of all keeps. Raises StoreDown."""
    apart = {row["name"] for row in await store.ask(SQL["apart"])}
    return [view for view in VIEWS if view.version == 1 and view.name not in apart]


class History:
    """Folds events into the histories, batch by batch."""

    def __init__(self, log: Log, pace: Pace, own: View | None = None) -> None:
        """`log`: of the worker; `own`: as for `follower`."""
        self.name = NAME if own is None else own_follower(own.name)
        self._own = own
        self._log = log
        self._pace = pace
        self._terms = Terms(log.fingerprint)
        self._cache = SnapshotCache(CACHE_BYTES)
        self._last: dict[StreamId, State] = {}
        """After the last batch."""
        self.held: set[StreamId] = set()
        self._refused: dict[StreamId, tuple[Damaged, int]] = {}
        """Since which version PostgreSQL takes no rows of a stream, and why."""

    def forget(self) -> None:
        """Forget the streams' states."""
        self._cache.clear()
        self._last = {}

    async def prepare(
        self, partition: int, events: Sequence[AuditedEvent]
    ) -> tuple[HistoryBatch, int]:
        """The changes by the first events, and the position of the last of these.

        The batch before it may not be written yet: its streams' states are in memory.
        """
        batch = HistoryBatch(self._log.seal_in_view, await self._kept())
        states = await self._states(partition, [each for each in events if self._concerns(each)])
        upto = 0
        slices = (events[at : at + SLICE_EVENTS] for at in range(0, len(events), SLICE_EVENTS))
        async for each in self._pace.each(slices):
            for event in each:
                if self._concerns(event):
                    states[event.stream] = self._taken(batch, states[event.stream], event)
                upto, batch.last = event.position, event.event_id
            if batch.doc_characters > BATCH_CHARACTERS:
                break
        self._last = states
        for state in states.values():
            self._remember(state, batch)
        return batch, upto

    def _concerns(self, event: AuditedEvent) -> bool:
        return self._own is None or kind_of(event.topic) == self._own.kind

    async def _kept(self) -> set[str]:
        if self._own is not None:
            return {self._own.name}
        return {view.name for view in await kept(self._log.pool)}

    async def write(
        self, partition: int, after: int, upto: int, batch: HistoryBatch, token: int
    ) -> bool:
        """Write a batch; false if the checkpoint was moved by another, or the log is another."""
        if self._own is None:
            for row in await self._log.pool.ask(SQL["to_forget"], partition, after, upto):
                batch.forget(row["position"], row["term"])
        await self._add_stored(partition, batch)
        rows = await self._log.pool.ask(
            SQL["write"], partition, token, after, upto, batch.last,
            *batch.arguments(), *batch.index_arguments(), *arrays(batch.failures), self.name,
            writes=True,
        )  # fmt: skip
        return bool(rows[0]["done"])

    async def redrive(
        self,
        waiting: Waiting,
        events: Sequence[AuditedEvent],
        then: AuditedEvent | None,
        token: int,
    ) -> None:
        """Take up events of a stream in quarantine: its rows go on where they ended."""
        self._refused.pop(waiting.stream, None)
        batch, upto = await self.prepare(waiting.partition, events)
        for event in events if self._own is None else ():
            if event.position <= upto:
                batch.index_anew(event.position, self._terms.of(event, None, None))
        await self._add_stored(waiting.partition, batch)
        left = [event for event in events if event.position > upto]
        following = next_of(batch.failures, left[0] if left else then)
        await self._log.pool.ask(
            SQL["redrive"], waiting.partition, token, waiting.reached, waiting.stream,
            waiting.position, *following,
            *batch.arguments(), *batch.index_arguments(), self.name, writes=True,
        )  # fmt: skip

    def leave_out(self, event: AuditedEvent, why: Exception) -> None:
        """Leave an event's stream out of the histories from there on: PostgreSQL takes no row."""
        if isinstance(event.recorded, Recorded):
            self._refused[event.stream] = BrokenStream(event.recorded, repr(why)), event.version

    def _taken(self, batch: HistoryBatch, before: State, event: AuditedEvent) -> State:
        """The stream after one more event, whose changes are added to the batch."""
        after = self._advanced(batch, before, event)
        kind, was = _folded(before)
        if was is not None:
            batch.end(kind, was, event.position)
        if isinstance(after, tuple) and isinstance(event.recorded, Recorded):
            try:
                batch.begin(after[0].kind, after[1])
            except Exception as error:  # a damaged event may have any state
                after = self._given_up(batch, event, BrokenStream(event.recorded, repr(error)))
        if self._own is not None:
            return after
        before_state = None if was is None else was.state
        after_state = after[1].state if isinstance(after, tuple) else None
        batch.index(event.position, self._terms.of(event, before_state, after_state))
        return after

    def _advanced(self, batch: HistoryBatch, before: State, event: AuditedEvent) -> State:
        if before is HELD:
            return HELD
        if isinstance(before, Damaged):
            return self._given_up(batch, event, before)
        refused, version = self._refused.get(event.stream, (None, 0))
        if refused is not None and event.version >= version:
            return self._given_up(batch, event, refused)
        if isinstance(event.recorded, UnreadableEvent):
            return self._given_up(batch, event, event.recorded)
        if event.keyless is not None:  # once taken up, the index would lack who called, for ever
            return self._given_up(batch, event, event.keyless)
        try:
            return folded_on(before, (event.recorded,))
        except BrokenStream as broken:
            return self._given_up(batch, event, broken)

    def _given_up(self, batch: HistoryBatch, event: AuditedEvent, why: Damaged) -> Held:
        """Let the rest of a stream wait in quarantine, from an event on."""
        self.held.add(event.stream)
        batch.failures.append(failure(event, why))
        _LOG.warning("The past of a stream is kept only up to where it can be read: %s", why)
        return HELD

    def _remember(self, state: State, batch: HistoryBatch) -> None:
        kind, folded = _folded(state)
        if folded is not None:
            size = batch.characters_of(CURRENT[kind].name, folded.stream)
            resident = _STATE_BYTES + 2 * size
            self._cache.remember(kind, folded.stream, Snapshot(folded, None, None, size, resident))

    async def _states(
        self, partition: int, events: Sequence[AuditedEvent]
    ) -> dict[StreamId, State]:
        """Each of the events' streams before its first one."""
        first = {event.stream: event for event in reversed(events)}
        states: dict[StreamId, State] = {}
        missing: dict[str, list[AuditedEvent]] = {}
        for stream, event in first.items():
            kind = kind_of(event.topic)
            if event.version == 1 and stream not in self.held:
                states[stream] = None
            elif (known := self._known(kind, event)) is not None:
                states[stream] = known
            else:
                missing.setdefault(kind, []).append(event)
        for kind, wanted in missing.items():
            states |= await from_rows(self._log, partition, kind, wanted)
            for event in wanted:
                if event.stream not in states:
                    states[event.stream] = await refolded(self._log, self._pace, event)
        return states

    def _known(self, kind: str, event: AuditedEvent) -> State:
        if event.stream in self.held:
            return HELD
        last = self._last.get(event.stream)
        if isinstance(last, tuple) and last[1].version == event.version - 1:
            return last
        known = self._cache.get(kind, event.stream)
        if known is None or known.folded is None or known.folded.version != event.version - 1:
            return None
        return CURRENT[kind], known.folded

    async def _add_stored(self, partition: int, batch: HistoryBatch) -> None:
        """Get what the index has so far of the batch's terms."""
        places = batch.places()
        rows = await self._log.pool.ask(
            SQL["segments"],
            partition,
            [term for term, _ in places],
            [segment for _, segment in places],
        )
        for row in rows:
            batch.stored(*row)


def _folded(state: State) -> tuple[str, Folded[Any] | None]:
    """The kind of a stream, and its state; none if it has none, or is damaged."""
    return (state[0].kind, state[1]) if isinstance(state, tuple) else ("", None)
