"""`keys`: which master key wraps the keys of streams, and the change to another one.

The change goes in steps, each of which lasts: a run that was killed is taken up by the next one.

1. Both keys are kept in the log, each sealed under the other: who has either reads with both.
2. After a time in which all workers have learnt the new key, new stream keys are wrapped with it.
3. The keys of all other streams are wrapped anew, page by page, beside the appends.
4. The log recognises the new key alone, and neither key is kept any longer.

Fingerprints and seals of views derive from the root key, which stays: it is only wrapped anew.
"""

import asyncio
import os
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import asyncpg
from msgspec import Struct

from app.database.sql import blocks
from app.history.streams import Progress
from app.log.errors import Unreadable
from app.log.incarnation import LOOK_S
from app.log.keyring import Keyring, fingerprint_of
from app.log.read import FIRST_STREAM, heads, key_settings
from app.log.stream_keys import KEY_BYTES
from app.maintenance import key_file
from app.maintenance.own_session import require_own_session
from app.maintenance.store import Connection
from domain.ids import StreamId

SQL = blocks(__file__)
LEARN_S = 3 * LOOK_S
"""Seconds in which every worker learns what the log keeps of its keys."""
_AT_A_TIME = 1_000


class RotationUnderWay(Exception):
    """Another rotation is at work, or was begun with another new key."""


class KeyInUse(Exception):
    """The new master key is the one that the log has."""


class KeyUse(Struct, frozen=True):
    """A master key, and what it wraps."""

    fingerprint: str
    streams: int
    """The number of streams whose key it wraps."""
    state: str
    """`current`, `next` while it is to follow, or `unknown` if nothing here can open it."""


class Rotated(Struct, frozen=True):
    """The result of a rotation."""

    fingerprint: str
    """Of the new master key."""
    streams: int
    """The number of streams whose key was wrapped anew by this run."""
    damaged: Sequence[str]
    """The streams whose keys no master key opens, with the reason: they stay as they are."""


async def uses(store: Connection, keyring: Keyring) -> list[KeyUse]:
    """The log's master keys, and others that still wrap something."""
    kept = await key_settings(store)
    current, following = keyring.maker(kept.check), keyring.maker(kept.next_check)
    assert current is not None  # else the log's keys would not have been opened
    states = {current: "current", following: "next"}
    counts = {name: 0 for name in (current, following) if name is not None}
    for row in await store.ask(SQL["uses"]):
        name: str = row["fingerprint"]
        counts[name] = counts.get(name, 0) + row["streams"]
    return [KeyUse(name, count, states.get(name, "unknown")) for name, count in counts.items()]


async def new_key(store: Connection, keyring: Keyring, path: Path) -> bytes:
    """The new master key: what the file holds, else the one of a rotation under way, or a new one.

    What the file did not hold is then on disk there. Raises WrongMasterKey, UnusableFile, OSError.
    """
    if not path.exists():
        following = keyring.maker((await key_settings(store)).next_check)
        key = None if following is None else keyring.known(following)
        key_file.keep(path, key or os.urandom(KEY_BYTES))
    return key_file.read(path)


async def rotate(
    store: Connection,
    keyring: Keyring,
    new_key: bytes,
    progress: Progress,
    *,
    learn_s: float = LEARN_S,
) -> Rotated:
    """Replace the master key, or go on with that; appends and reads proceed meanwhile.

    `keyring`: of the log as it is; afterwards it knows the new key, too. Raises RotationUnderWay,
    KeyInUse, or UnusableDatabase behind a pooler.
    """
    await require_own_session(store)
    if not await store.raw.fetchval(SQL["begin"]):
        raise RotationUnderWay("Another rotation is under way: try again later")
    try:
        await store.raw.execute(SQL["wait_for_readers"])
        await _hand_over(store, keyring, new_key, learn_s)
        for head in await heads(store):
            await store.ask_once(SQL["pass_head"], head.partition)
        streams, damaged = await _rewrap(store, keyring, progress)
        async with store.raw.transaction():
            await store.raw.execute(SQL["finish"], keyring.check_value(), keyring.sealed_root())
            await store.raw.execute(SQL["forget"])
        return Rotated(keyring.fingerprint_of_key, streams, damaged)
    finally:
        if not store.raw.is_closed():
            await store.raw.execute(SQL["end"])


async def _hand_over(store: Connection, keyring: Keyring, new_key: bytes, learn_s: float) -> None:
    """Make the new key known to who has the old one, then have new stream keys wrapped with it."""
    new, kept = fingerprint_of(new_key), await key_settings(store)
    keyring.adopt(kept)
    if keyring.maker(kept.check) == new:
        raise KeyInUse(f"The log has the master key {new} already")
    if kept.next_check is None:
        handed_over = keyring.handed_over(keyring.successor(new_key))
        await store.ask_once(SQL["hand_over"], *handed_over)
        keyring.adopt(await key_settings(store))
    elif (following := keyring.maker(kept.next_check)) != new:
        raise RotationUnderWay(
            f"A rotation to the master key {following} was begun: finish it with its file, or name "
            "a file that is not there, to which that key is then written"
        )
    if kept.wraps != new:
        await asyncio.sleep(learn_s)
        await store.ask_once(SQL["wrap_with"], new)
        keyring.adopt(await key_settings(store))


async def _rewrap(
    store: Connection, keyring: Keyring, progress: Progress
) -> tuple[int, Sequence[str]]:
    """Wrap the keys of all streams that are not under the newest master key yet."""
    total: int = await store.raw.fetchval(SQL["count"])
    damaged: list[str] = []
    partition, stream, seen, changed = -1, FIRST_STREAM, 0, 0
    while rows := await store.ask(SQL["page"], partition, stream, _AT_A_TIME):
        for number, its in groupby(rows, key=lambda row: row["partition"]):
            changed += await _rewrap_some(store, keyring, number, list(its), damaged)
        partition, stream = rows[-1]["partition"], rows[-1]["stream_id"]
        seen += len(rows)
        progress(seen, max(seen, total))
    return changed, damaged


async def _rewrap_some(
    store: Connection,
    keyring: Keyring,
    partition: int,
    rows: Sequence[asyncpg.Record],
    damaged: list[str],
) -> int:
    anew: list[tuple[StreamId, bytes, bytes]] = []
    for _, stream, wrapped in rows:
        try:
            after = keyring.rewrap(stream, wrapped)
        except Unreadable as error:
            damaged.append(f"stream {stream}: {error}")
            continue
        if after != wrapped:
            anew.append((stream, wrapped, after))
    if anew:
        await store.ask_once(SQL["rewrap"], partition, *map(list, zip(*anew, strict=True)))
    return len(anew)
