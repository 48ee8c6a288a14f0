"""`verify --proof`: the events are those that were hashed, and that signed checkpoints cover.

All values are read again and hashed again; stored hashes are compared with these, never believed.
"""

from collections.abc import AsyncIterator, Sequence
from itertools import count, takewhile

from app.database.sql import blocks
from app.history.streams import Progress
from app.integrity.claims import Claim, claims_of
from app.integrity.examined import Examined, say_what_is_foreign, say_what_is_missing
from app.log.read import heads
from app.maintenance.store import Connection
from app.proof import signing, tree
from app.proof.edge import Edge, rows_of
from app.proof.given import Given
from app.proof.leaves import Event
from app.proof.notes import VerifierKey
from app.proof.stored import leaf_of, read_stored
from app.proof.tree import TreeDamaged
from app.proof.trees import HASH_BYTES, Frontier, leaf_hash

SQL = blocks(__file__)
_PAGE_EVENTS, _PAGE_BYTES = 5_000, 16 * 1024 * 1024


async def examine(
    store: Connection, given: Sequence[Given], keys: Sequence[VerifierKey],
    since: dict[int, int], progress: Progress,
) -> Examined:  # fmt: skip
    """Compare values, tree and checkpoints; `keys`: from outside, `since`: by partition."""
    found = Examined()
    ends = await heads(store)
    name = await signing.name_of(store)
    found.up_to = {head.partition: head.position for head in ends}
    say_what_is_foreign(found, name, given, keys, since)
    total, done = sum(head.position for head in ends), 0
    for head in ends:
        origin = f"{name}/{head.partition}"
        part = _Partition(store, found, head.partition)
        its = [each for each in given if each.checkpoint.origin == origin]
        await part.claims(origin, its, keys)
        async for events in part.compare(since.get(head.partition, 0)):
            done += events
            progress(min(done, total), total)
        if found.first_bad is None and (bad := part.first_bad) is not None:
            found.first_bad = head.partition, bad
    say_what_is_missing(found, given, keys)
    return found


class _Partition:
    """One partition's events, tree and checkpoints."""

    def __init__(self, store: Connection, found: Examined, partition: int) -> None:
        self._store = store
        self._found = found
        self._partition = partition
        self._head = 0
        self._claims: list[Claim] = []
        self._last_shown = 0
        self._exact: list[int] = []
        self._somewhere_from: list[int] = []
        """Positions from which on something is wrong that hashes, altered too, do not show."""
        self._stored_edge = 0, b""
        self._has_other_edge = False
        self._failed: list[tuple[int, int]] = []
        """Checkpoints that only the tree's own hashes fit: sizes, and where the wrong may begin."""

    @property
    def first_bad(self) -> int | None:
        """The first position that is wrong; if that is not known, the first that may be."""
        hidden = [
            begin for size, begin in self._failed if not any(each <= size for each in self._exact)
        ]
        return min([*self._exact, *self._somewhere_from, *hidden], default=None)

    async def claims(
        self, origin: str, given: Sequence[Given], keys: Sequence[VerifierKey]
    ) -> None:
        """Take the checkpoints that are kept, and those given, if their signatures are good."""
        self._claims, wrong = await claims_of(self._store, origin, self._partition, given, keys)
        for sentence in wrong:
            self._found.bad(sentence)

    async def compare(self, since: int) -> AsyncIterator[int]:
        """Read the events again; yields how many at a time."""
        # (The end is read last: what is appended meanwhile is beyond neither tree nor checkpoint.)
        size, frontier = await tree.edge_of(self._store, self._partition)
        self._head = (await heads(self._store))[self._partition].position
        edge = await self._begin(min(since, self._head))
        if edge is None:
            return
        start, is_whole, self._stored_edge = edge.size, True, (size, frontier)
        await self._look_beside()
        await self._show(edge)
        while is_whole and edge.size < self._head:
            events, is_whole = await self._read(edge.size)
            await self._hash(edge, events, size)
            yield len(events)
        self._end(size, start, edge.size)

    async def _begin(self, since: int) -> Edge | None:
        if since == 0:
            return Edge()
        try:
            edge = await tree.edge_at(self._store, self._partition, since)
        except TreeDamaged as error:
            self._bad(1, f"Partition {self._partition}: {error}")
            return None
        self._found.not_checked.append(
            f"The events up to {self._partition}:{since} were not read again (--since)"
        )
        return edge

    async def _look_beside(self) -> None:
        """Look for events that no reader of positions meets."""
        extent = (self._partition, self._head)
        ((events, first),) = await self._store.ask(SQL["extent"], *extent)
        if first is not None and first < 1:
            self._bad(1, f"{self._partition}:{first} stands before the first event")
        elif events > self._head:
            ((position,),) = await self._store.ask(SQL["twice"], *extent)
            self._bad(position, f"There are several events {self._partition}:{position}")

    async def _read(self, after: int) -> tuple[list[Event], bool]:
        """The next events, as far as each has the next position; whether all have."""
        slices = await read_stored(
            self._store, None, self._partition,
            after=after, until=self._head, most=_PAGE_EVENTS, most_bytes=_PAGE_BYTES,
        )  # fmt: skip
        events = [event for each in slices for event in each]
        whole = [
            event for event, _ in takewhile(
                lambda pair: pair[0].position == pair[1], zip(events, count(after + 1))
            )
        ]  # fmt: skip
        if whole and len(whole) == len(events):
            return whole, True
        at = after + len(whole) + 1
        if len(whole) == len(events) or events[len(whole)].position > at:
            self._bad(at, f"{self._partition}:{at} is missing in the log")
        else:
            self._bad(at - 1, f"There are several events {self._partition}:{at - 1}")
        return whole, False

    async def _hash(self, edge: Edge, events: Sequence[Event], size: int) -> None:
        """Grow the tree by events, compare its rows, and its root at each checkpoint's size."""
        before, added = edge.size, list[bytearray]()
        hashes = [_hash_of(event) for event in events]
        sizes = {size, *(claim.size for claim in self._claims)}
        wanted = sorted(each for each in sizes if each > before)
        at = 0
        for stop in [each - before for each in wanted if each <= before + len(events)]:
            edge.add(b"".join(hashes[at:stop]), added)
            at = stop
            await self._show(edge)
        edge.add(b"".join(hashes[at:]), added)
        await self._compare_rows(before, added, size)

    async def _compare_rows(self, before: int, added: list[bytearray], size: int) -> None:
        grown = rows_of(before, added)
        stored = await tree.tiles(self._store, self._partition, grown.levels, grown.indexes)
        for level, index, first, hashes in zip(
            grown.levels, grown.indexes, grown.before, grown.hashes, strict=True
        ):
            reached = (size >> 8 * level) - 256 * index  # hashes that the row should have
            due = hashes[: max(0, reached * HASH_BYTES - first)]
            row = stored.get((level, index), b"")[first : first + len(due)]
            if row != due:
                at = next(n for n in range(0, len(due), HASH_BYTES)
                          if row[n : n + HASH_BYTES] != due[n : n + HASH_BYTES])  # fmt: skip
                number = 256 * index + (first + at) // HASH_BYTES
                below = stored.get((level - 1, number), b"")
                node = Frontier()
                node.extend(below[: len(below) // HASH_BYTES * HASH_BYTES])
                is_of_row = node.root() == row[at : at + HASH_BYTES]
                self._differs(level, number, is_of_row=is_of_row)

    def _differs(self, level: int, number: int, *, is_of_row: bool) -> None:
        """Take down that a hash is not that of the values; `is_of_row`: but of the row below."""
        position = (number << 8 * level) + 1
        if level == 0:
            self._bad(position, (
                f"The event {self._partition}:{position} is not the one that was hashed: it, or "
                "the tree, was altered"
            ))  # fmt: skip
        else:
            if not is_of_row:
                self._somewhere_from.append(position)
            self._found.bad(f"A node of the tree above {self._partition}:{position} differs")

    async def _show(self, edge: Edge) -> None:
        """Compare the checkpoints of the tree's size with its root."""
        root = edge.root()
        if edge.size == self._stored_edge[0]:
            self._has_other_edge = edge.frontier() != self._stored_edge[1]
        for claim in [claim for claim in self._claims if claim.size == edge.size]:
            if claim.root == root:
                if claim.shows:
                    self._last_shown = edge.size
                continue
            begin = self._last_shown + 1
            if await self._has_root(claim):
                self._failed.append((claim.size, begin))
            elif claim.shows:
                self._somewhere_from.append(begin)
            self._found.bad(
                f"{claim.name} is of another log: an event from {self._partition}:{begin} to "
                f"{edge.size} was altered, added, moved or left out"
            )

    async def _has_root(self, claim: Claim) -> bool:
        """Whether the tree's own hashes make a checkpoint's root."""
        try:
            return await tree.roots(self._store, self._partition, [claim.size]) == [claim.root]
        except TreeDamaged:
            return False

    def _end(self, size: int, start: int, end: int) -> None:
        for claim in self._claims:
            if claim.size > self._head:
                self._bad(self._head + 1, (
                    f"{claim.name} covers {claim.size} events, but the "
                    f"log ends at {self._partition}:{self._head}: its tail was cut off"
                ))  # fmt: skip
        if size > self._head:
            self._bad(self._head + 1, (
                f"The tree goes up to {self._partition}:{size}, but the log ends at "
                f"{self._partition}:{self._head}: its tail was cut off"
            ))  # fmt: skip
        if self._has_other_edge and self.first_bad is None:
            self._found.bad(
                f"The tree's edge, from which it grows, is not that of {self._partition}:{size}"
            )
        if end > start or not start:
            self._found.checked.append(
                f"The events {self._partition}:{start + 1} to {end} were read and hashed again, "
                f"and compared with the tree and with {len(self._claims)} signed checkpoints"
            )
        if self._last_shown < self._head:
            self._found.not_checked.append(
                f"No checkpoint shows the events after {self._partition}:{self._last_shown}"
            )
        if self._head and not self._last_shown:
            self._found.covered = False

    def _bad(self, position: int, sentence: str) -> None:
        self._exact.append(position)
        self._found.bad(sentence)


def _hash_of(event: Event) -> bytes:
    """The hash of an event's leaf; a row that lacks a value is no event, and has none."""
    return bytes(HASH_BYTES) if None in event else leaf_hash(leaf_of(event))
