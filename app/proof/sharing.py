"""Shares the log's signed checkpoints: with witnesses, and with second places.

One worker does it for all. It reads what is kept, so nobody who signs waits for it, and what could
not be shared waits in the log's own table. Each second place has a task of its own.
"""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from time import monotonic

import httpx
from msgspec import Struct

from app.database.errors import StoreDown
from app.database.lease import Lease
from app.database.pool import Pool
from app.database.sql import blocks
from app.proof import checkpoints, tree
from app.proof.attempts import Attempts
from app.proof.notes import parse_note
from app.proof.publishing import NotKept, SecondPlace, published, second_place
from app.proof.tree import TreeDamaged
from app.proof.trees import Unproven
from app.proof.witnesses import Witnesses, witness
from app.telemetry import metrics

SQL = blocks(__file__)
_LOG = logging.getLogger("sessionary.proof")
_LEASE = "share_checkpoints"
_LEASE_S = 10.0
_RENEWED_S = 3.0
_LOOK_S = 1.0
"""Seconds between two looks for new checkpoints."""
_AT_A_TIME = 8
"""Partitions whose checkpoints are on their way to witnesses."""
_PAGE = 100
_MARGIN = 64
"""Numbers that are looked at again: a checkpoint may become visible after a later number."""
_PATIENCE_S = 10.0
"""Seconds for one message to a second place."""
_TIMEOUT = httpx.Timeout(_PATIENCE_S, connect=3.0)
_HEADERS = {"Accept-Encoding": "identity", "User-Agent": "sessionary"}


class _Kept(Struct, frozen=True):
    """A kept checkpoint; `age_s`: since it was signed."""

    number: int
    partition: int
    size: int
    note: str
    age_s: float


class Sharing:
    """One worker's try to share the checkpoints for all."""

    def __init__(self, pool: Pool, witnesses: Sequence[str], places: Sequence[str]) -> None:
        """`witnesses` and `places`: as in their options. Raises ValueError, or Unproven."""
        self._pool = pool
        self._witnesses = [witness(each) for each in witnesses]
        self._places = [second_place(each) for each in places]
        self._lease = _Lease(pool)

    async def keep_sharing(self) -> None:
        """Share until cancelled; nothing that another machine does ends it."""
        trusted = ssl.create_default_context()  # what the system trusts
        async with httpx.AsyncClient(
            timeout=_TIMEOUT, headers=_HEADERS, verify=trusted, trust_env=False
        ) as client:
            works: list[_Cosigning | _Publishing] = [
                _Publishing(self._pool, each, client) for each in self._places
            ]
            if self._witnesses:
                works.append(_Cosigning(self._pool, Witnesses(self._witnesses, client)))
            try:
                await asyncio.gather(*(self._keep(each.share, each.rest) for each in works))
            finally:
                await self._lease.give_up()

    async def _keep(self, share: Callable[[], Awaitable[None]], rest: Callable[[], None]) -> None:
        failing = Attempts("Sharing checkpoints")
        while True:
            try:
                if await self._lease.is_ours():
                    await share()
                    failing.succeeded()
                else:
                    rest()
            except StoreDown:
                rest()  # all else that needs the database says so
            except Exception as error:
                if failing.failed(f"it failed by {type(error).__name__}"):
                    _LOG.exception("Sharing checkpoints has failed")
            await asyncio.sleep(_LOOK_S)


class _Cosigning:
    """Asks the witnesses for what the latest checkpoint of each partition lacks."""

    def __init__(self, pool: Pool, witnesses: Witnesses) -> None:
        self._pool = pool
        self._witnesses = witnesses
        self._since: dict[int, float] = {}
        """By partition: when its checkpoints began to lack cosignatures."""
        self._turns = asyncio.Semaphore(_AT_A_TIME)

    def rest(self) -> None:
        """Another worker shares."""
        self._since.clear()
        metrics.UNCOSIGNED_S.set(0.0)

    async def share(self) -> None:
        """One round. Raises StoreDown."""
        rows = await self._pool.ask(SQL["latest"])
        await asyncio.gather(*(self._share(_Kept(*row)) for row in rows))
        now = monotonic()
        metrics.UNCOSIGNED_S.set(max((now - each for each in self._since.values()), default=0.0))

    async def _share(self, kept: _Kept) -> None:
        async with self._turns:
            if await self._is_cosigned(kept):
                self._since.pop(kept.partition, None)
            else:
                self._since.setdefault(kept.partition, monotonic() - kept.age_s)

    async def _is_cosigned(self, kept: _Kept) -> bool:
        with suppress(Unproven, TreeDamaged):  # who verifies says so
            note = parse_note(kept.note.encode())
            if not self._witnesses.lacking(note):
                return True
            proof_of = partial(tree.consistency, self._pool, kept.partition)
            cosigned = await self._witnesses.cosigned(note, proof_of)
            if len(cosigned.signatures) > len(note.signatures):
                writing = partial(self._pool.ask, writes=True)
                await checkpoints.keep(writing, kept.partition, kept.size, str(cosigned))
            return not self._witnesses.lacking(cosigned)
        return False


class _Publishing:
    """Sends one second place what is kept, in order, from the latest checkpoints on."""

    def __init__(self, pool: Pool, place: SecondPlace, client: httpx.AsyncClient) -> None:
        self._pool = pool
        self._place = place
        self._client = client
        self._attempts = Attempts(f"The second place of checkpoints, {place.name}")
        self._first: int | None = None
        """The number after which this worker has begun."""
        self._done: set[int] = set()

    def rest(self) -> None:
        """Another worker shares."""
        self._first = None
        self._done.clear()
        metrics.UNPUBLISHED_S.labels(self._place.name).set(0.0)

    async def share(self) -> None:
        """One round. Raises StoreDown."""
        if self._first is None:
            waiting = [_Kept(*row) for row in await self._pool.ask(SQL["latest"])]
            if not waiting:
                return
            first = waiting[-1].number
        else:
            first = self._first
            after = max(first, max(self._done, default=0) - _MARGIN)
            rows = await self._pool.ask(SQL["later"], after, _PAGE + _MARGIN)
            waiting = [_Kept(*row) for row in rows if row["number"] not in self._done]
        left = await self._published(waiting) if self._attempts.is_due else waiting
        if not left:
            self._first = first
        age_s = max((each.age_s for each in left), default=0.0)
        metrics.UNPUBLISHED_S.labels(self._place.name).set(age_s)

    async def _published(self, waiting: Sequence[_Kept]) -> Sequence[_Kept]:
        """Those that the place has not taken."""
        for index, kept in enumerate(waiting):
            try:
                async with asyncio.timeout(_PATIENCE_S):
                    await self._place.keep(published(kept.note), self._client)
            except (NotKept, Unproven, TimeoutError) as error:
                metrics.PUBLISHING_FAILURES.labels(self._place.name).inc()
                self._attempts.failed(str(error) or f"no answer within {_PATIENCE_S:g} s")
                return waiting[index:]
            self._done.add(kept.number)
        self._attempts.succeeded()
        if len(self._done) > 2 * _MARGIN:
            self._done = set(sorted(self._done)[-_MARGIN:])
        return ()


class _Lease:
    """The right to share, for one worker at a time."""

    def __init__(self, pool: Pool) -> None:
        self._lease = Lease(pool, _LEASE, _LEASE_S)
        self._looked = float("-inf")
        self._is_ours = False
        self._turn = asyncio.Lock()

    async def is_ours(self) -> bool:
        """Whether this worker may share now. Raises StoreDown."""
        async with self._turn:
            if monotonic() - self._looked >= _RENEWED_S:
                self._is_ours = False
                self._is_ours = await self._lease.take() is not None
                self._looked = monotonic()
            return self._is_ours

    async def give_up(self) -> None:
        """Let another worker share at once."""
        if self._is_ours:
            await self._lease.give_up()
