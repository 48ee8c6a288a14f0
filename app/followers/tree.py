"""The follower of the tree: hashes the events of each partition, and signs what it comes to.

Every event is a leaf, whether it can be read or not: so nothing waits in quarantine here.
"""

import logging
from collections.abc import Iterator, Sequence
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from app.database.pool import Pool
from app.database.sql import blocks
from app.followers.follower import TURN_BATCHES, Follower, Place
from app.followers.pace import Pace
from app.followers.quarantine import Waiting
from app.followers.sealer import Sealer
from app.history.followed import TREE
from app.log.audited import AuditedEvent
from app.log.keyring import Keyring
from app.log.log import Log
from app.proof import tree
from app.proof.edge import Edge, Grown, rows_of
from app.proof.stored import Hashed, read_hashed
from app.settings import Settings
from app.telemetry import tracing
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


class TreeFollower(Follower[TreeBatch, Hashed]):
    """Follows for all, and signs as long as it does."""

    def __init__(self, log: Log, work: "Tree", batch: int) -> None:
        """Use `follower`."""
        pace = Pace(1.0, lambda: 0)
        super().__init__(
            log.pool, log.keyring, work, pace, _read, batch=batch, idle_s=_IDLE_S,
            at_once=batch * TURN_BATCHES,
        )  # fmt: skip
        self._sealer = work.sealer
        self._told: set[str] = set()

    async def round(self) -> int:
        """Sign what is due, and take up some batches."""
        if await self._has_lease():
            await self._sealer.tend()
        return await super().round()

    async def _take_up(self, place: Place) -> int:
        # (What is left behind whole batches waits half a second for more: a batch has its price.)
        if whole := (place.head - place.reached) // self._batch * self._batch:
            place = replace(place, head=place.reached + whole)
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

    def leave_out(self, event: Hashed, why: Exception) -> None:
        """Nothing is left out: a leaf is a hash, which the database always holds."""

    async def prepare(self, partition: int, events: Sequence[Hashed]) -> tuple[TreeBatch, int]:
        """The tree with the events. Raises OutOfStep, Hole, StoreDown."""
        (new,) = events
        edge = await self._edge(partition, new.after)
        grown, added = edge.copy(), list[bytearray]()
        grown.add(new.hashes, added)
        if grown.size != new.position:
            raise Hole(f"Partition {partition} lacks a position after {new.after}: see `verify`")
        self._edges[partition] = {new.after: edge, grown.size: grown}
        rows = rows_of(new.after, added)
        return TreeBatch(new.last, grown.size, grown.frontier(), grown.root(), rows), grown.size

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
        found = await tree.loaded(self._log.pool, partition)
        if found is None and size == 0:
            return Edge()
        edge, is_of_log = found or (None, False)
        if edge is None or edge.size != size or not is_of_log:
            raise OutOfStep
        return edge


async def _read(
    store: Pool,
    keyring: Keyring,
    partition: int,
    *,
    after: int,
    until: int,
    most: int,
    most_bytes: int,
) -> Iterator[list[Hashed]]:
    """The hashes of the next events, in one: nothing but these leaves PostgreSQL."""
    found = await read_hashed(
        store, partition, after=after, until=until, most=most, most_bytes=most_bytes,
        with_metadata=tracing.SPANS is not None,
    )  # fmt: skip
    return iter([] if found is None else [[found]])


def follower(log: Log, settings: Settings) -> TreeFollower:
    """A worker's follower of the tree."""
    work = Tree(log, Sealer(log, settings))
    log.incarnation.on_change(work.forget)
    most = max(_LEAST_EVENTS, min(settings.checkpoint_every_events, _MOST_EVENTS))
    return TreeFollower(log, work, most)
