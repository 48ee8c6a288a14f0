"""How far the log is covered by what it has signed, and whether it fits what somebody kept."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from app.log.read import Asks
from app.proof import checkpoints, signing, tree
from app.proof.checkpoints import Cover
from app.proof.notes import Checkpoint, Note, parse_note
from app.proof.trees import Unproven


class Standing(Struct, frozen=True, kw_only=True, rename="camel"):
    """A partition and its latest signed checkpoint."""

    partition: int
    origin: str
    events: int
    """Of the partition."""
    size: int | None
    """Events that the checkpoint covers; null: there is none yet."""
    signed_at: datetime | None
    age_seconds: float
    """Of the oldest event that no checkpoint covers; 0: all are covered."""
    note: str | None
    witnesses: list[str]
    """The names of the witnesses that cosigned it."""


class Compared(Struct, frozen=True, kw_only=True):
    """What a checkpoint that somebody kept says of the log as it is now."""

    origin: str
    size: int
    holds: bool
    """Whether the log goes on from it."""
    says: str


async def standing(store: Asks) -> list[Standing]:
    """All partitions. Raises StoreDown."""
    name = await signing.name_of(store)
    return [await _of(store, name, cover) for cover in await checkpoints.covers(store)]


async def _of(store: Asks, name: str, cover: Cover) -> Standing:
    origin = f"{name}/{cover.partition}"
    kept = await checkpoints.latest(store, cover.partition)
    signers: list[str] = []
    try:
        if kept is not None:
            signers = [signature.name for signature in kept.parsed()[1].signatures]
    except Unproven:
        kept = None  # it was altered, and shows nothing: `verify` tells
    return Standing(
        partition=cover.partition,
        origin=origin,
        events=cover.head,
        size=None if kept is None else kept.size,
        signed_at=None if kept is None else kept.signed_at,
        age_seconds=round(cover.age_s or 0.0, 1),
        note=None if kept is None else kept.note,
        witnesses=[each for each in dict.fromkeys(signers) if each != origin],
    )


async def compared(store: Asks, text: str) -> Compared:
    """Whether the log goes on from a signed checkpoint that somebody kept.

    Raises Unproven for what this log has not signed, TreeDamaged, StoreDown.
    """
    note = _note(text)
    kept = Checkpoint.parse(note.text)
    for cover in await checkpoints.covers(store):
        keys = await signing.vkeys(store, cover.partition)
        if keys and keys[0].name == kept.origin:
            note.verified_by(keys)
            return await _against(store, cover, kept)
    raise Unproven(f"The checkpoint is of {kept.origin}, and this log is another")


def _note(text: str) -> Note:
    """The note that somebody pasted, whichever way lines end there. Raises Unproven."""
    lines = text.replace("\r\n", "\n").strip("\n")
    return parse_note(f"{lines}\n".encode(errors="replace"))


async def _against(store: Asks, cover: Cover, kept: Checkpoint) -> Compared:
    if kept.size > cover.head:
        lost = kept.size - cover.head
        return _told(kept, False, f"The log lacks its last {_events(lost)}: its tail was cut off")
    if kept.size > cover.size:
        return _told(kept, False, "The tree does not go so far yet: ask again in a few seconds")
    (root,) = await tree.roots(store, cover.partition, [kept.size])
    if root != kept.root:
        says = f"The first {_events(kept.size)} are not those that were signed"
        return _told(kept, False, says)
    return _told(kept, True, f"The log goes on from it: its tree has the same {_events(kept.size)}")


def _told(kept: Checkpoint, holds: bool, says: str) -> Compared:
    return Compared(origin=kept.origin, size=kept.size, holds=holds, says=says)


def _events(count: int) -> str:
    return f"{count} event{'' if count == 1 else 's'}"


async def keys_of(store: Asks) -> Sequence[str]:
    """The keys that verify the checkpoints of all partitions, those that sign now first."""
    found: list[str] = []
    for cover in await checkpoints.covers(store):
        found += map(str, await signing.vkeys(store, cover.partition))
    return found
