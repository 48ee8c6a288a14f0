"""What auditors get of the tree: signed checkpoints of any size, proofs up to the latest one."""

from collections.abc import Sequence

from msgspec import Struct

from app.log.errors import Unreadable
from app.log.keyring import Keyring
from app.log.read import Asks
from app.proof import checkpoints, signing, tree
from app.proof.notes import parse_note
from app.proof.proof_file import TlogProof
from app.proof.stored import leaf_of, read_some
from app.proof.trees import Unproven, leaf_hash


class NothingSigned(Exception):
    """There is no checkpoint yet that covers what is asked for; the message says what."""


class Inclusion(Struct, frozen=True):
    """That an event is in the tree of a size."""

    leaf_index: int
    tree_size: int
    leaf: bytes
    """Its data, from the values of the event as they are now."""
    hashes: Sequence[bytes]

    @property
    def leaf_hash(self) -> bytes:
        """Of the data."""
        return leaf_hash(self.leaf)


async def latest_size(store: Asks, partition: int) -> int:
    """The size of the latest checkpoint. Raises NothingSigned, StoreDown."""
    return (await _latest(store, partition)).size


async def checkpoint(
    store: Asks, keyring: Keyring, partition: int, size: int | None, *, with_ml_dsa: bool
) -> str:
    """The signed checkpoint of a size up to the latest one, or the latest one.

    One that is not kept is signed anew. Raises NothingSigned, TreeDamaged, StoreDown.
    """
    if size is None:
        return (await _latest(store, partition)).note
    kept = await checkpoints.of_size(store, partition, size)
    if kept is not None:
        return _sound(kept).note
    (root,) = await tree.roots(store, partition, [size])
    try:
        signer = await signing.signer(store, keyring, with_ml_dsa=with_ml_dsa)
    except Unreadable as error:
        raise NothingSigned(f"No checkpoint of size {size} can be signed: {error}") from error
    return signer.note(partition, size, root)


async def inclusion(store: Asks, partition: int, position: int, size: int) -> Inclusion:
    """That the event at a position is in the tree of a size, from its values as they are now.

    Raises NothingSigned if the log lacks it, TreeDamaged, StoreDown.
    """
    found = await read_some(store, partition, [position])
    if not found:
        raise NothingSigned(f"The log has no event at {partition}:{position}")
    index = position - 1
    hashes = await tree.inclusion(store, partition, index, size)
    return Inclusion(index, size, leaf_of(found[0]), hashes)


def proof_file(found: Inclusion, note: str) -> str:
    """A C2SP proof of an event, which holds the event's leaf."""
    parsed = parse_note(note.encode())
    return str(TlogProof(found.leaf_index, tuple(found.hashes), parsed, found.leaf))


async def _latest(store: Asks, partition: int) -> checkpoints.Kept:
    found = await checkpoints.latest(store, partition)
    if found is None:
        raise NothingSigned(f"There is no signed checkpoint of partition {partition} yet")
    return _sound(found)


def _sound(kept: checkpoints.Kept) -> checkpoints.Kept:
    """A kept checkpoint that is one. Raises NothingSigned."""
    name = f"The checkpoint {kept.partition}:{kept.size} that is kept was altered"
    try:
        checkpoint, _ = kept.parsed()
    except Unproven as error:
        raise NothingSigned(f"{name}: {error}") from error
    if checkpoint.size != kept.size:
        raise NothingSigned(f"{name}: it is of {checkpoint.size} events")
    return kept


async def proven(store: Asks, places: Sequence[tuple[int, int]]) -> list[str]:
    """The proof file of each event, by the latest checkpoint of its partition.

    Raises NothingSigned, TreeDamaged, StoreDown.
    """
    latest = {partition: await _latest(store, partition) for partition, _ in places}
    found = []
    for partition, position in places:
        kept = latest[partition]
        if position > kept.size:
            raise NothingSigned(
                f"No signed checkpoint covers {partition}:{position} yet: try again in some seconds"
            )
        event = await inclusion(store, partition, position, kept.size)
        found.append(proof_file(event, kept.note))
    return found
