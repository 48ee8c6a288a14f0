"""The follower of the tree: hashes the events of each partition, and signs what it comes to.

Every event is a leaf, whether it can be read or not: so nothing waits in quarantine here.
"""

import asyncio
import logging
from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from app.database.sql import blocks
from app.followers.follower import Follower, Place
from app.followers.pace import Pace
from app.followers.quarantine import Waiting
from app.followers.sealer import Sealer
from app.history.followed import TREE
from app.log.audited import AuditedEvent
from app.log.log import Log
from app.proof import tree
from app.proof.edge import Edge, Grown, rows_of
from app.proof.stored import SLICE_EVENTS, leaf_of, read_stored
from app.proof.verifier import Event, leaf_hash
from app.settings import Settings
from domain.ids import StreamId

SQL = blocks(__file__)
NAME = TREE
_LOG = logging.getLogger("sessionary")
_LEAST_EVENTS, _MOST_EVENTS = 100, 2_000
"""Limits of a batch: its checkpoint covers it with what came before."""
_IDLE_S = 0.5


class OutOfStep(Exception):
    """The tree does not end where the follower is, or the log has another event there."""


class Hole(Exception):
    """The log lacks a position: the tree ends before it."""


class TreeBatch(Struct, frozen=True):
    """A partition's next events in its tree."""

    last: UUID
    """Id of the last event."""
    size: int
    frontier: bytes
    root: bytes
    grown: Grown


class TreeFollower(Follower[TreeBatch, Event]):
    """Follows for all, and signs as long as it does."""

    def __init__(self, log: Log, work: "Tree", batch: int) -> None:
        """Use `follower`."""
        pace = Pace(1.0, lambda: 0)
        super().__init__(
            log.pool, log.keyring, work, pace, read_stored, batch=batch, idle_s=_IDLE_S
        )
        self._sealer = work.sealer
        self._told: set[str] = set()

    async def round(self) -> int:
        """Sign what is due, and take up some batches."""
        if await self._has_lease():
            await self._sealer.tend()
        return await super().round()

    async def _take_up(self, place: Place) -> int:
        try:
            return await super()._take_up(place)
        except OutOfStep:
            await self._start_over()
        except Hole as error:  # the other partitions go on
            self._forget()
            if str(error) not in self._told:
                self._told.add(str(error))
                _LOG.error("%s", error)
        return 0


class Tree:
    """Grows the trees, batch by batch."""

    name = NAME

    def __init__(self, log: Log, sealer: Sealer) -> None:
        """`log`: of the worker; `sealer`: signs."""
        self._log = log
        self.sealer = sealer
        self.held: set[StreamId] = set()
        self._edges: dict[int, dict[int, Edge]] = {}
        """By partition and size: before the batch that is being written, and after it."""

    def forget(self) -> None:
        """Forget the trees' edges."""
        self._edges.clear()
        self.sealer.forget()

    def leave_out(self, event: Event, why: Exception) -> None:
        """Nothing is left out: a leaf is a hash, which the database always holds."""

    async def prepare(self, partition: int, events: Sequence[Event]) -> tuple[TreeBatch, int]:
        """The tree with the events. Raises OutOfStep, Hole, StoreDown."""
        before = events[0].position - 1
        edge = await self._edge(partition, before)
        grown, added = edge.copy(), list[list[bytes]]()
        for start in range(0, len(events), SLICE_EVENTS):
            part = events[start : start + SLICE_EVENTS]
            grown.add((leaf_hash(leaf_of(event)) for event in part), added)
            if grown.size != part[-1].position:
                raise Hole(f"Partition {partition} lacks a position after {before}: see `verify`")
            await asyncio.sleep(0)
        self._edges[partition] = {before: edge, grown.size: grown}
        batch = TreeBatch(
            events[-1].event_id, grown.size, grown.frontier(), grown.root(), rows_of(before, added)
        )
        return batch, grown.size

    async def write(
        self, partition: int, after: int, upto: int, batch: TreeBatch, token: int
    ) -> bool:
        """Write a batch, with a checkpoint if one is due; false if another one has written."""
        note = self.sealer.note(partition, batch.size, batch.root)
        grown = batch.grown
        rows = await self._log.pool.ask(
            SQL["write"], partition, token, after, upto, batch.last, batch.frontier,
            grown.levels, grown.indexes, grown.before, grown.hashes, note, writes=True,
        )  # fmt: skip
        done = bool(rows[0]["done"])
        if done and note is not None:
            self.sealer.signed(partition, batch.size)
        return done

    async def redrive(
        self,
        waiting: Waiting,
        events: Sequence[AuditedEvent],
        then: AuditedEvent | None,
        token: int,
    ) -> None:
        """Nothing waits in quarantine."""

    async def _edge(self, partition: int, size: int) -> Edge:
        known = self._edges.get(partition, {}).get(size)
        if known is not None:
            return known
        rows = await self._log.pool.ask(tree.SQL["edge"], partition)
        if not rows and size == 0:
            return Edge()
        for row in rows:
            found = Edge.loaded(row["size"], bytes(row["frontier"]))
            if row["size"] == size and row["is_of_log"] and found is not None:
                return found
        raise OutOfStep


def follower(log: Log, settings: Settings) -> TreeFollower:
    """A worker's follower of the tree."""
    work = Tree(log, Sealer(log, settings))
    log.incarnation.on_change(work.forget)
    most = max(_LEAST_EVENTS, min(settings.checkpoint_every_events, _MOST_EVENTS))
    return TreeFollower(log, work, most)
