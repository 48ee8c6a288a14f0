"""`verify --proof`: the events are those that were hashed, and that signed checkpoints cover.

All values are read again and hashed again; stored hashes are compared with these, never believed.
"""

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from msgspec import Struct, field

from app.history.streams import Progress
from app.log.read import heads
from app.maintenance.store import Connection
from app.proof import checkpoints, signing, tree
from app.proof.edge import Edge, rows_of
from app.proof.given import Given
from app.proof.stored import leaf_of, read_stored
from app.proof.tree import TreeDamaged
from app.proof.trees import HASH_BYTES
from app.proof.verifier import Event, Unproven, VerifierKey, leaf_hash

_PAGE_EVENTS, _PAGE_BYTES = 5_000, 16 * 1024 * 1024
_MAX_DIFFERENCES = 100
Place = tuple[int, int]
"""A partition, and a position there."""


class Examined(Struct):
    """What was looked at, and what was found."""

    checked: list[str] = field(default_factory=list)
    not_checked: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    first_bad: Place | None = None
    covered: bool = True
    """Whether a checkpoint shows the beginning of each partition that has events."""

    def bad(self, sentence: str) -> None:
        """Take down a difference, unless there are too many."""
        if len(self.differences) < _MAX_DIFFERENCES:
            self.differences.append(sentence)


class _Claim(NamedTuple):
    """What a checkpoint says of a tree."""

    size: int
    root: bytes
    name: str
    """For sentences."""


async def examine(
    store: Connection, given: Sequence[Given], keys: Sequence[VerifierKey],
    since: dict[int, int], progress: Progress,
) -> Examined:  # fmt: skip
    """Compare values, tree and checkpoints; `keys`: from outside, `since`: by partition."""
    found = Examined()
    ends = await heads(store)
    name = await signing.name_of(store)
    ours = {f"{name}/{head.partition}" for head in ends}
    for each in given:
        if each.checkpoint.origin not in ours:
            found.differences.append(
                f"{each.source}: the checkpoint is of {each.checkpoint.origin}, not of this log, "
                f"{name}"
            )
    total, done = sum(head.position for head in ends), 0
    for head in ends:
        origin = f"{name}/{head.partition}"
        own = [key for key in keys if key.name == origin]
        part = _Partition(store, found, head.partition)
        await part.claims([each for each in given if each.checkpoint.origin == origin], own)
        async for events in part.compare(since.get(head.partition, 0)):
            done += events
            progress(min(done, total), total)
        if found.first_bad is None and (bad := part.first_bad) is not None:
            found.first_bad = head.partition, bad
    _say_what_is_missing(found, given, keys)
    return found


def _say_what_is_missing(
    found: Examined, given: Sequence[Given], keys: Sequence[VerifierKey]
) -> None:
    if not given:
        found.not_checked.append(
            "No checkpoint was given that somebody else kept (--checkpoint): a tail that was cut "
            "off together with the checkpoints of it, and a log that was written anew, are not "
            "detected"
        )
    if not keys:
        found.not_checked.append(
            "No public key was given (--key): the keys are those that the database names, and one "
            "that was replaced is not detected"
        )


class _Partition:
    """One partition's events, tree and checkpoints."""

    def __init__(self, store: Connection, found: Examined, partition: int) -> None:
        self._store = store
        self._found = found
        self._partition = partition
        self._head = 0
        self._claims: list[_Claim] = []
        self._last_shown = 0
        self._exact: list[int] = []
        self._somewhere_from: list[int] = []
        """Positions from which on something is wrong up to a checkpoint, or below a node."""

    @property
    def first_bad(self) -> int | None:
        """The first position that is wrong; if that is not known, the first that may be."""
        return min(self._exact or self._somewhere_from, default=None)

    async def claims(self, given: Sequence[Given], keys: Sequence[VerifierKey]) -> None:
        """Take the checkpoints that are kept, and those given, if their signatures are good."""
        stored = await signing.vkeys(self._store, self._partition)
        for key in keys:
            if key not in stored:
                self._found.differences.append(
                    f"The key {key.name}+{key.key_id.hex()} is none of those that the log has had"
                )
        for each in given:
            self._take(f"{each.source}: the checkpoint of size {each.checkpoint.size}", each, keys)
            if not keys:
                self._take(each.source, each, stored)
        async for kept in checkpoints.all_kept(self._store, self._partition):
            name = f"The checkpoint {self._partition}:{kept.size} of {kept.signed_at:%Y-%m-%d %X}Z"
            try:
                checkpoint, note = kept.parsed()
                note.verified_by(stored)
            except Unproven as error:
                self._bad(kept.size, f"{name}: {error}")
                continue
            self._claims.append(_Claim(checkpoint.size, checkpoint.root, name))

    def _take(self, name: str, given: Given, keys: Sequence[VerifierKey]) -> None:
        if not keys:
            return
        try:
            given.note.verified_by(keys)
        except Unproven as error:
            self._found.differences.append(f"{name}: {error}")
            return
        self._claims.append(_Claim(given.checkpoint.size, given.checkpoint.root, name))

    async def compare(self, since: int) -> AsyncIterator[int]:
        """Read the events again; yields how many at a time."""
        # (The end is read last: what is appended meanwhile is beyond neither tree nor checkpoint.)
        size = await tree.size_of(self._store, self._partition)
        self._head = (await heads(self._store))[self._partition].position
        edge = await self._begin(min(since, self._head))
        if edge is None:
            return
        start = edge.size
        self._show(edge)
        while edge.size < self._head:
            events, position = await self._read(edge.size)
            if position != edge.size + len(events):
                self._bad(edge.size + len(events) + 1, (
                    f"{self._partition}:{edge.size + len(events) + 1} is missing in the log"
                ))  # fmt: skip
                return
            await self._hash(edge, events, size)
            yield len(events)
        self._end(size, start)

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

    async def _read(self, after: int) -> tuple[list[Event], int]:
        """Events without a hole between them, and the last position that was read."""
        slices = await read_stored(
            self._store, None, self._partition,
            after=after, until=self._head, most=_PAGE_EVENTS, most_bytes=_PAGE_BYTES,
        )  # fmt: skip
        events = [event for each in slices for event in each]
        whole = [event for at, event in enumerate(events, after + 1) if event.position == at]
        return whole, events[-1].position if events else after + 1

    async def _hash(self, edge: Edge, events: Sequence[Event], size: int) -> None:
        """Grow the tree by events, compare its rows, and its root at each checkpoint's size."""
        before, added = edge.size, list[bytearray]()
        wanted = sorted({claim.size for claim in self._claims if claim.size > before})
        at = 0
        for stop in [each for each in wanted if each <= before + len(events)]:
            edge.add(_hashes(events[at : stop - before]), added)
            at = stop - before
            self._show(edge)
        edge.add(_hashes(events[at:]), added)
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
                self._differs(level, 256 * index + (first + at) // HASH_BYTES)

    def _differs(self, level: int, number: int) -> None:
        """Take down that a hash is not that of the values."""
        position = (number << 8 * level) + 1
        if level == 0:
            self._bad(position, (
                f"The event {self._partition}:{position} is not the one that was hashed: it, or "
                "the tree, was altered"
            ))  # fmt: skip
        else:
            self._somewhere_from.append(position)
            self._found.bad(f"A node of the tree above {self._partition}:{position} differs")

    def _show(self, edge: Edge) -> None:
        """Compare the checkpoints of the tree's size with its root."""
        claims = [claim for claim in self._claims if claim.size == edge.size]
        if not claims:
            return
        root = edge.root()
        for claim in claims:
            if claim.root == root:
                self._last_shown = edge.size
            else:
                self._somewhere_from.append(self._last_shown + 1)
                self._found.bad(
                    f"{claim.name} is of another log: an event from "
                    f"{self._partition}:{self._last_shown + 1} to {edge.size} was altered, added, "
                    "moved or left out"
                )  # fmt: skip

    def _end(self, size: int, start: int) -> None:
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
        self._found.checked.append(
            f"The events {self._partition}:{start + 1} to {self._head} were read and hashed again, "
            f"and compared with the tree and with {len(self._claims)} signed checkpoints"
        )
        if self._last_shown < self._head:
            self._found.not_checked.append(
                f"No checkpoint covers the events after {self._partition}:{self._last_shown}"
            )
        if self._head and not self._last_shown:
            self._found.covered = False

    def _bad(self, position: int, sentence: str) -> None:
        self._exact.append(position)
        self._found.bad(sentence)


def _hashes(events: Sequence[Event]) -> bytes:
    return b"".join([leaf_hash(leaf_of(event)) for event in events])
