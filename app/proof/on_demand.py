"""Checkpoints and keys for whoever asks by the owner's login, whether a service runs or not."""

import asyncio
from collections.abc import Sequence

from app.log.keyring import Keyring
from app.log.read import heads
from app.maintenance.store import Connection
from app.proof import checkpoints, proving, signing, tree

_WAIT_S = 15.0
"""For a service that runs to hash what was appended last; the lease of a killed one lasts 5 s."""
_PAUSE_S = 0.1


class NotThere(Exception):
    """The log has no such partition or size, or is not hashed; the message says so."""


async def notes(
    store: Connection, keyring: Keyring, partition: int | None, size: int | None
) -> list[str]:
    """The latest checkpoint of each partition, or of one, or that of a size.

    Raises NotThere, NothingSigned, TreeDamaged.
    """
    found = []
    for each in await _asked(store, partition):
        if size is not None and size > (latest := await proving.latest_size(store, each)):
            raise NotThere(f"The latest checkpoint of partition {each} has the size {latest}")
        with_ml_dsa = await signing.has_ml_dsa(store)
        note = await proving.checkpoint(store, keyring, each, size, with_ml_dsa=with_ml_dsa)
        found.append(note)
    return found


async def sign(store: Connection, keyring: Keyring) -> None:
    """Sign a checkpoint of each partition as far as its events go now. Raises NotThere."""
    signer = await signing.signer(store, keyring, with_ml_dsa=await signing.has_ml_dsa(store))
    await _sign(store, signer)


async def rotate(store: Connection, keyring: Keyring) -> list[str]:
    """Sign a checkpoint of each partition by the keys so far and by new ones; the new vkeys.

    The former ones sign nothing more. Raises NotThere.
    """
    with_ml_dsa = await signing.has_ml_dsa(store)
    before = await signing.signer(store, keyring, with_ml_dsa=with_ml_dsa)
    await _hashed(store)
    async with store.raw.transaction():
        await store.raw.execute(signing.SQL["end"])
        after = await signing.signer(store, keyring, with_ml_dsa=with_ml_dsa)
        await _keep(store, before.beside(after))
    return await keys_of(store, keyring, None, former=False)


async def keys_of(
    store: Connection, keyring: Keyring, partition: int | None, *, former: bool
) -> list[str]:
    """The vkeys of each partition, or of one: of those that sign, or of all. Raises NotThere."""
    asked = await _asked(store, partition)
    if not await signing.current_ids(store):
        await signing.signer(store, keyring, with_ml_dsa=False)
    own = [key for key in await signing.public_keys(store) if former or key.until is None]
    name = await signing.name_of(store)
    return [str(key.vkey(f"{name}/{each}")) for each in asked for key in own]


async def _sign(store: Connection, signer: signing.Signer) -> None:
    await _hashed(store)
    await _keep(store, signer)


async def _keep(store: Connection, signer: signing.Signer) -> None:
    for cover in await checkpoints.covers(store):
        (root,) = await tree.roots(store, cover.partition, [cover.size])
        if cover.size:
            note = signer.note(cover.partition, cover.size, root)
            await checkpoints.keep(store.ask_once, cover.partition, cover.size, note)


async def _hashed(store: Connection) -> None:
    """Wait until the tree has what the log had at the beginning. Raises NotThere."""
    ends = {head.partition: head.position for head in await heads(store)}
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _WAIT_S
    while True:
        sizes = [await tree.size_of(store, partition) for partition in ends]
        if all(size >= end for size, end in zip(sizes, ends.values(), strict=True)):
            return
        if loop.time() > deadline:
            raise NotThere("The last events are not in the tree yet: does a service run?")
        await asyncio.sleep(_PAUSE_S)


async def _asked(store: Connection, partition: int | None) -> Sequence[int]:
    known = [head.partition for head in await heads(store)]
    if partition is None:
        return known
    if partition not in known:
        raise NotThere(f"The log has no partition {partition}: it has 0 to {known[-1]}")
    return [partition]
