"""Receipts of erasures: drafted with them, and signed once the tree has their events."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct

from app.database.sql import blocks
from app.erasure.copies import Copies, copies_told
from app.erasure.scope import Erased
from app.erasure.unfinished import erase_in_unfinished
from app.history.times import time_text
from app.log.errors import Unreadable
from app.log.keyring import Keyring
from app.proof import checkpoints, proving, signing, tree
from app.proof.notes import base64_text
from app.proof.proving import NothingSigned
from app.proof.receipt import RECEIPT_FORM, Receipt, receipt_line, show_receipt, signed_receipt
from app.proof.tree import TreeDamaged
from app.proof.trees import Unproven
from app.settings import Settings
from domain.errors import NotFound

SQL = blocks(__file__)
_PAUSE_S = 0.1
_SHOWN = 60


class _Store(Protocol):
    """Connections that may write."""

    async def ask(
        self, sql: str, *arguments: object, writes: bool = False
    ) -> Sequence[asyncpg.Record]: ...


class _Log(Protocol):
    """What receipts need of the log."""

    @property
    def pool(self) -> _Store: ...

    @property
    def keyring(self) -> Keyring: ...


class NotIssued(Exception):
    """A receipt cannot be signed, or not so that it would show something; the message says why."""


class Draft(Struct, frozen=True):
    """What a receipt will say, apart from what only the tree shows."""

    erased: Erased
    before: dict[int, str]
    """By partition: the signed checkpoint before the erasure."""


class Listed(Struct, frozen=True, rename="camel"):
    """A receipt in a list."""

    id: UUID
    erased_at: str
    asked_by: str
    reason: str
    sessions: int
    signed: bool
    """False: its events were not in the tree when it was asked for; asked for again, they are."""


class _Part(Struct):
    """A partition after an erasure."""

    size: int
    members: dict[str, Any]
    """In the receipt."""


async def trees_of(log: _Log, partitions: Sequence[int]) -> dict[int, str]:
    """A signed checkpoint of each of some partitions as its tree is now.

    One whose tree is empty, or that cannot be signed, is left out. Raises StoreDown.
    """
    found: dict[int, str] = {}
    for partition in partitions:
        with suppress(TreeDamaged, Unreadable):  # nothing of that keeps data from being erased
            if size := await tree.size_of(log.pool, partition):
                found[partition] = await _note(log, partition, size)
    return found


async def keep(log: _Log, erased: Erased, before: Mapping[int, str]) -> None:
    """Put down what a receipt will say. Raises StoreDown."""
    draft = msgspec.json.encode(Draft(erased, dict(before))).decode()
    await log.pool.ask(
        SQL["draft"], UUID(erased.erasure_id), erased.asked_by, erased.reason,
        len(erased.sessions), draft, writes=True,
    )  # fmt: skip


async def page(log: _Log, before: UUID | None, most: int) -> list[Listed]:
    """Receipts, the latest first. Raises StoreDown."""
    rows = await log.pool.ask(SQL["page"], before, most)
    return [Listed(row[0], time_text(row[1]), *row[2:]) for row in rows]


async def known(log: _Log, ids: Iterable[str]) -> set[str]:
    """The erasures that have a receipt, or will have one once it is asked for. Raises StoreDown."""
    rows = await log.pool.ask(SQL["known"], list(map(UUID, ids)))
    return {str(row["id"]) for row in rows}


async def drafts(log: _Log, ids: Iterable[UUID]) -> list[UUID]:
    """Those of some receipts that do not show their erasures yet. Raises StoreDown."""
    return [row["id"] for row in await log.pool.ask(SQL["drafts"], list(ids))]


async def signed(log: _Log, settings: Settings, receipt_id: UUID, wait_s: float) -> str:
    """A receipt, a line; one that is a draft is signed as soon as the tree has its events.

    Before, what was erased goes from tables of rebuilds that are not finished. After so many
    seconds without either it is signed as it is, says so, and stays a draft. Raises NotFound,
    NotIssued, StoreDown.
    """
    rows = await log.pool.ask(SQL["one"], receipt_id)
    if not rows:
        raise NotFound("Receipt", str(receipt_id)[:_SHOWN])
    if rows[0]["line"] is not None:
        return str(rows[0]["line"])
    draft = msgspec.json.decode(rows[0]["draft"], type=Draft)
    issuing = _Issuing(log, settings, draft, rows[0]["erased_at"])
    try:
        is_whole = await issuing.wait(wait_s)
        line = str(await issuing.receipt(is_whole=is_whole))
    except (TreeDamaged, NothingSigned, Unreadable, Unproven) as error:
        raise NotIssued(
            f"What {receipt_id} names is erased, but its receipt cannot be signed: {error}"
        ) from error
    if not is_whole:
        return line
    return str((await log.pool.ask(SQL["issue"], receipt_id, line, writes=True))[0]["line"])


class _Issuing:
    """One receipt that is being signed."""

    def __init__(self, log: _Log, settings: Settings, draft: Draft, at: datetime) -> None:
        self._log = log
        self._days = settings.backup_horizon_days
        self._draft = draft
        self._at = at
        self._ends: dict[int, int] = {}
        """By partition: the last position that the receipt is about."""
        for session in draft.erased.sessions:
            partition, position = map(int, session.fence.split(":"))
            self._ends[partition] = max(position, self._ends.get(partition, 0))

    async def wait(self, wait_s: float) -> bool:
        """Whether the trees go as far as the erasure within so many seconds, and it is done."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_s
        while not await erase_in_unfinished(self._log.pool, self._draft.erased.sessions):
            if loop.time() >= deadline:
                return False
        for partition, end in self._ends.items():
            while await tree.size_of(self._log.pool, partition) < end:
                if loop.time() >= deadline:
                    return False
                await asyncio.sleep(_PAUSE_S)
        return True

    async def receipt(self, *, is_whole: bool) -> Receipt:
        """The signed receipt; only a whole one is shown to hold what it says."""
        log, erased = self._log, self._draft.erased
        parts = {each: await self._part(each, is_whole) for each in sorted(self._ends)}
        told = msgspec.to_builtins(erased)
        body: dict[str, Any] = {
            "form": RECEIPT_FORM,
            "id": told.pop("erasureId"),
            "log": await signing.name_of(log.pool),
            "issuedAt": time_text(datetime.now(UTC)),
            "askedBy": told.pop("askedBy"),
            "approvedBy": told.pop("approvedBy"),
            "reason": told.pop("reason"),
            "sessions": [await self._session(each, parts) for each in told.pop("sessions")],
            **told,
            "backups": await self._backups(),
            "partitions": [part.members for part in parts.values()],
        }
        signer = await _signer(log)
        by = signer.text(min(parts, default=0), receipt_line(body))
        found = signed_receipt(body, [by])
        if is_whole:
            keys = [key for each in parts or (0,) for key in await signing.vkeys(log.pool, each)]
            show_receipt(found, keys)
        return found

    async def _backups(self) -> dict[str, Any]:
        """Until when which copies of the database could bring it back."""
        (row,) = await self._log.pool.ask(SQL["backups"], self._at, self._days)
        return copies_told(self._at, self._days, Copies(*row))

    async def _part(self, partition: int, is_whole: bool) -> _Part:
        """What the receipt says of a partition's tree, with a checkpoint that is kept."""
        store, before = self._log.pool, self._draft.before.get(partition)
        after, size, hashes = None, 0, list[bytes]()
        if is_whole:
            size = await tree.size_of(store, partition)
            after = await _note(self._log, partition, size)
            await checkpoints.keep(partial(store.ask, writes=True), partition, size, after)
            if before is not None:
                hashes = await tree.consistency(store, partition, _size(before), size)
        members = {
            "partition": partition,
            "before": before,
            "after": after,
            "consistency": list(map(base64_text, hashes)),
        }
        return _Part(size, members)

    async def _session(self, told: dict[str, Any], parts: Mapping[int, _Part]) -> dict[str, Any]:
        """What the receipt says of a session, with the path of its event."""
        partition, position = map(int, told["fence"].split(":"))
        size, proof = parts[partition].size, None
        if size:
            found = await proving.inclusion(self._log.pool, partition, position, size)
            hashes = list(map(base64_text, found.hashes))
            proof = {"leaf": base64_text(found.leaf), "hashes": hashes}
        return {**told, "proof": proof}


async def _signer(log: _Log) -> signing.Signer:
    """The keys that sign now, whatever this process would make. Raises Unreadable, StoreDown."""
    with_ml_dsa = await signing.has_ml_dsa(log.pool)
    return await signing.signer(log.pool, log.keyring, with_ml_dsa=with_ml_dsa)


async def _note(log: _Log, partition: int, size: int) -> str:
    """A signed checkpoint of a size that the tree has. Raises TreeDamaged, Unreadable."""
    kept = await checkpoints.of_size(log.pool, partition, size)
    if kept is not None:
        return kept.note
    (root,) = await tree.roots(log.pool, partition, [size])
    return (await _signer(log)).note(partition, size, root)


def _size(note: str) -> int:
    return checkpoints.parsed(note)[0].size
