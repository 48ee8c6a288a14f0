"""The signed checkpoints that are kept, how far they cover the log, and whether it still fits."""

import logging
from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from msgspec import Struct

from app.database.pool import Pool
from app.database.sql import blocks
from app.database.versions import AskWith
from app.log.read import Asks
from app.proof import tree
from app.proof.notes import Checkpoint, Note, parse_note
from app.proof.trees import Unproven
from app.telemetry.metrics import Reading

SQL = blocks(__file__)
_PAGE = 500
_LOG = logging.getLogger("sessionary")


class Kept(Struct, frozen=True):
    """A signed checkpoint."""

    number: int
    partition: int
    size: int
    signed_at: datetime
    note: str
    unfit_since: datetime | None
    """When the log was found not to be the signed one any more."""

    def parsed(self) -> tuple[Checkpoint, Note]:
        """What it says, and who signed it. Raises Unproven."""
        return parsed(self.note)


class Cover(Struct, frozen=True):
    """How far a partition is covered by its tree and its checkpoints."""

    partition: int
    head: int
    size: int
    """Of the tree."""
    frontier: bytes
    signed: int
    """Of the largest checkpoint."""
    age_s: float | None
    """Seconds since the first event that it does not cover was recorded; None: it covers all."""


def parsed(text: str) -> tuple[Checkpoint, Note]:
    """What a signed checkpoint says, and who signed it. Raises Unproven."""
    note = parse_note(text.encode())
    return Checkpoint.parse(note.text), note


async def latest(store: Asks, partition: int) -> Kept | None:
    """The largest checkpoint that the log fits; None: there is none. Raises StoreDown."""
    rows = await store.ask(SQL["latest"], partition)
    return Kept(*rows[0]) if rows else None


async def of_size(store: Asks, partition: int, size: int) -> Kept | None:
    """The one of a size that is kept; None: none is. Raises StoreDown."""
    rows = await store.ask(SQL["of_size"], partition, size)
    return Kept(*rows[0]) if rows else None


async def keep(ask: AskWith, partition: int, size: int, note: str) -> None:
    """Keep a signed checkpoint; `ask`: runs a statement that writes. Raises as it does."""
    await ask(SQL["keep"], partition, size, note)


async def thin_out(pool: Pool) -> None:
    """Drop old ones that others are near. Raises StoreDown."""
    await pool.ask(SQL["thin"], writes=True)


async def all_kept(store: Asks, partition: int) -> AsyncIterator[Kept]:
    """All of a partition, the oldest first; also those that do not fit. Raises StoreDown."""
    after = 0
    while rows := await store.ask(SQL["all_kept"], partition, after, _PAGE):
        for row in rows:
            yield Kept(*row)
        after = rows[-1]["number"]


async def covers(store: Asks) -> list[Cover]:
    """How far each partition is covered. Raises StoreDown."""
    return [Cover(*row) for row in await store.ask(SQL["uncovered"])]


async def readings(store: Asks) -> list[Reading]:
    """What a scrape of the metrics shows. Raises StoreDown."""
    ages = [each.age_s or 0.0 for each in await covers(store)]
    return [
        Reading(
            "sessionary_checkpoint_age_seconds",
            "Age of the oldest event that no signed checkpoint covers; 0: all are covered.",
            max(ages, default=0.0),
        )
    ]


async def compare(store: Asks, cover: Cover) -> bool:
    """Compare the latest checkpoint with the tree; mark it and others if the log does not fit.

    False: that cannot be told before the tree goes so far. Raises TreeDamaged, StoreDown.
    """
    kept = await latest(store, cover.partition)
    if kept is None:
        return True
    if cover.head >= kept.size > cover.size:
        return False
    if kept.size <= cover.size and not await _unfit(store, cover.partition, [kept]):
        return True
    judged = [each async for each in all_kept(store, cover.partition) if each.unfit_since is None]
    unfit = [each for each in judged if each.size > cover.head]
    known = [each for each in judged if each.size <= cover.size]
    for start in range(0, len(known), _PAGE):
        unfit += await _unfit(store, cover.partition, known[start : start + _PAGE])
    await store.ask(SQL["mark"], [each.number for each in unfit])
    _LOG.error(
        "Partition %s is not what %s signed checkpoints say, the first one of size %s: the log was "
        "replaced, or altered. They are kept, and new ones are signed of what there is",
        cover.partition, len(unfit), min((each.size for each in unfit), default=0),
    )  # fmt: skip
    return True


async def _unfit(store: Asks, partition: int, kept: Sequence[Kept]) -> list[Kept]:
    found = await tree.roots(store, partition, [each.size for each in kept])
    return [each for each, root in zip(kept, found, strict=True) if _root(each) != root]


def _root(kept: Kept) -> bytes | None:
    try:
        return kept.parsed()[0].root
    except Unproven:
        return None
