"""Whether events are those of signed checkpoints: which are, what is not looked at, what is wrong.

Only the standard library is imported: this is a part of the verifier that is handed out.
"""

import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import groupby
from operator import itemgetter
from types import MappingProxyType

from app.proof.leaves import LEAF_FORM, Columns, packed
from app.proof.notes import Checkpoint
from app.proof.trees import HASH_BYTES, Frontier, Unproven

Kept = Mapping[int, Sequence[Checkpoint]]
"""Checkpoints by partition; their signatures are verified."""
Hashes = Callable[[int], bytes]
"""The hashes of a partition's leaves as somebody stored them. They are believed only where they
make the root of a checkpoint, and asked only which event is another one."""
_LEAF = b"\x00" + LEAF_FORM
_NO_TIME = -(2**63)


@dataclass
class Verdict:
    """What a check showed; the texts are for people."""

    checked: list[str] = field(default_factory=list)
    not_checked: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    first_bad: tuple[int, int] | None = None
    """Partition and position of the first event that is known to be wrong or missing."""

    def fail(self, why: str, partition: int = 0, position: int | None = None) -> None:
        """Add what is wrong, and the first event of it if that is known."""
        self.wrong.append(why)
        if position is not None:
            self.first_bad = min(self.first_bad or (partition, position), (partition, position))


@dataclass
class Taken:
    """Events as far as they could be read: their hashes, by partition, and what broke them off."""

    runs: "dict[int, _Run]" = field(default_factory=dict)
    broken: str = ""
    """Why no further ones could be read; empty: these are all."""


def take(events: Iterable[Columns]) -> Taken:
    """Hash events, grouped by partition and in order of position.

    Their source may raise Unproven: what it gave before counts all the same.
    """
    taken = Taken()
    try:
        for partition, its in groupby(events, itemgetter(0)):
            if partition in taken.runs:
                taken.broken = f"The events of partition {partition} are not in one place"
                break
            run = taken.runs[partition] = _Run(partition)
            run.take(its)
            taken.broken = run.broken
    except Unproven as error:
        taken.broken = str(error)
    return taken


def check(
    taken: Taken, kept: Kept, stored: Hashes | None = None, along: Kept = MappingProxyType({})
) -> Verdict:
    """Compare events with checkpoints; `along`: those that came along with the events."""
    verdict = Verdict()
    for partition, run in taken.runs.items():
        _judge(run, kept.get(partition, ()), along.get(partition, ()), stored, verdict)
    if taken.broken:
        verdict.fail(taken.broken)
    for partition in sorted((kept.keys() | along.keys()) - taken.runs.keys()):
        if taken.broken:
            verdict.not_checked.append(f"partition {partition}, up to which nothing could be read")
        else:
            its = kept.get(partition, ()), along.get(partition, ())
            _judge(_Run(partition), *its, stored, verdict)
    return verdict


@dataclass
class _Run:
    """The events of a partition, as far as each follows on the one before it."""

    partition: int
    hashes: bytearray = field(default_factory=bytearray)
    """Of their leaves."""
    fault: str = ""
    """Why the next one does not follow."""
    broken: str = ""
    """Why no next one could be read."""

    @property
    def size(self) -> int:
        return len(self.hashes) // HASH_BYTES

    def take(self, events: Iterator[Columns]) -> None:
        """Take up events while each has the next position, no earlier time, and its version."""
        hashes, versions, at, last_us = self.hashes, dict[bytes, int](), 0, _NO_TIME
        try:
            for event in events:
                at += 1
                version = versions.get(event[2], 0) + 1
                if event[1] != at or event[7] < last_us or event[3] != version:
                    self.fault = self._why(event, at, last_us, version)
                    if event[1] == at - 1:  # which of the two is the one, nothing here tells
                        del hashes[-HASH_BYTES:]
                    return
                versions[event[2]], last_us = version, event[7]
                hashes += sha256(packed(*event, _LEAF)).digest()
        except (struct.error, OverflowError):
            self.fault = f"Event {self.partition}:{at} has a number or a time that is out of range"
        except Unproven as error:
            self.broken = str(error)

    def _why(self, event: Columns, at: int, last_us: int, version: int) -> str:
        name = f"Event {self.partition}:{at}"
        if event[1] > at:
            return f"{name} is missing: {self.partition}:{event[1]} stands in its place"
        if event[1] == at - 1 > 0:
            return f"There are several events {self.partition}:{event[1]}"
        if event[1] < at:
            return f"{name} is missing or moved: {self.partition}:{event[1]} stands in its place"
        if event[7] < last_us:
            return f"{name} is earlier than the event before it"
        return f"{name} has version {event[3]} of its stream, where {version} belongs"

    def differs_from(self, stored: bytes, checkpoint: Checkpoint) -> int | None:
        """The first position with another leaf than the stored ones.

        None if there is none, or if these are not the leaves of the checkpoint.
        """
        end = checkpoint.size * HASH_BYTES
        if len(stored) < end or _roots(stored, [checkpoint.size]) != [checkpoint.root]:
            return None
        for at in range(0, end, HASH_BYTES):
            if self.hashes[at : at + HASH_BYTES] != stored[at : at + HASH_BYTES]:
                return at // HASH_BYTES + 1
        return None


def _roots(hashes: bytes | bytearray, sizes: Iterable[int]) -> list[bytes]:
    """The roots of the trees of the first leaves; `sizes`: rising."""
    frontier, roots = Frontier(), list[bytes]()
    for size in sizes:
        frontier.extend(hashes[frontier.size * HASH_BYTES : size * HASH_BYTES])
        roots.append(frontier.root())
    return roots


def _judge(
    run: _Run, kept: Sequence[Checkpoint], along: Sequence[Checkpoint], stored: Hashes | None,
    verdict: Verdict,
) -> None:  # fmt: skip
    """Add to a verdict what is to be said of a partition."""
    kept = sorted(kept, key=lambda checkpoint: checkpoint.size)
    sizes = sorted({each.size for each in (*kept, *along) if each.size <= run.size})
    roots = dict(zip(sizes, _roots(run.hashes, sizes), strict=True))
    shown, failed = 0, None
    for checkpoint in kept:
        if roots.get(checkpoint.size) != checkpoint.root:
            failed = checkpoint
            break
        shown = checkpoint.size
    if shown:
        verdict.checked.append(
            f"partition {run.partition}: events 1 to {shown}, all columns of each, against the "
            f"checkpoint of {shown} events"
        )
    if failed is not None or run.fault:
        _place(run, shown, failed, stored, verdict)
    elif run.size > shown:
        verdict.not_checked.append(
            f"partition {run.partition}: events {shown + 1} to {run.size}, which no checkpoint "
            "covers that was given"
        )
    for checkpoint in along:
        name = f"the checkpoint of {checkpoint.size} events of {checkpoint.origin} beside them"
        if roots.get(checkpoint.size) == checkpoint.root:
            verdict.checked.append(f"partition {run.partition}: the events are those of {name}")
        elif failed is not None or run.fault or run.broken:
            verdict.not_checked.append(f"{name}, since something is wrong before its end")
        else:
            verdict.fail(f"Partition {run.partition}: the events are not those of {name}")


def _place(
    run: _Run, shown: int, failed: Checkpoint | None, stored: Hashes | None, verdict: Verdict
) -> None:
    """Say what is wrong behind the events that are `shown`, and where it begins."""
    partition, end = run.partition, run.size + 1
    found = None if failed is None else _first_other(run, shown, failed, stored)
    is_cut = failed is not None and failed.size > run.size
    is_end_known = failed is None or is_cut or found is not None
    if run.fault:
        verdict.fail(run.fault, partition, end if is_end_known else None)
    elif failed is not None and is_cut:
        what = "can be read" if run.broken else "are there"
        verdict.fail(
            f"Partition {partition}: only {run.size} of the {failed.size} events that the "
            f"checkpoint covers {what}",
            partition,
            end,
        )
    if failed is None or found == end:
        return
    if found is not None:
        verdict.fail(
            f"Event {partition}:{found} is not the one that the checkpoint of {failed.size} events "
            "covers: a column of it was changed, or it is another event",
            partition,
            found,
        )
    elif not is_cut:
        verdict.fail(
            f"Partition {partition}: of the events {shown + 1} to {failed.size} at least one is "
            f"not as the checkpoint of {failed.size} events covers it. Which one is the first, "
            "only a checkpoint between them or the tree's own hashes would tell"
        )
    else:
        verdict.not_checked.append(
            f"partition {partition}: events {shown + 1} to {run.size}, since the tree of "
            f"{failed.size} cannot be made without those that are wrong"
        )


def _first_other(run: _Run, shown: int, failed: Checkpoint, stored: Hashes | None) -> int | None:
    """The position of the first event that a checkpoint does not cover, if that can be told."""
    found = None if stored is None else run.differs_from(stored(run.partition), failed)
    if found is None and min(failed.size, run.size + 1) == shown + 1:
        return shown + 1
    return found
