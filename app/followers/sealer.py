"""Signs checkpoints for the worker that follows: by the number of events, and by their age."""

import logging
from functools import partial
from time import monotonic

from app.log.errors import Unreadable
from app.log.log import Log
from app.proof import checkpoints, signing
from app.proof.checkpoints import Cover
from app.proof.edge import Edge
from app.proof.signing import Signer
from app.proof.tree import TreeDamaged
from app.settings import Settings

_LOG = logging.getLogger("sessionary")
_LOOK_S = 1.0
"""Seconds between two looks at how far all is covered."""
_THIN_S = 60.0
_KEYS_S = 5.0
"""Seconds between two looks at which keys sign."""


class Sealer:
    """A worker's signing of checkpoints."""

    def __init__(self, log: Log, settings: Settings) -> None:
        """`log`: of the worker."""
        self._log = log
        self._every_events = settings.checkpoint_every_events
        self._every_s = settings.checkpoint_every_s
        self._with_ml_dsa = settings.checkpoint_ml_dsa
        self._signer: Signer | None = None
        self._signed: dict[int, int] = {}
        """By partition, once it was compared: the size of the last checkpoint."""
        self._looked = self._thinned = self._keys_looked = float("-inf")
        self._told: set[str] = set()

    def forget(self) -> None:
        """Forget what is signed: another worker may have signed, or the log may be another."""
        self._signed.clear()
        self._signer = None
        self._looked = self._keys_looked = float("-inf")

    def note(self, partition: int, size: int, root: bytes) -> str | None:
        """A signed checkpoint, if so many events have come since the last one."""
        signed = self._signed.get(partition)
        if signed is None or self._signer is None or size - signed < self._every_events:
            return None
        return self._signer.note(partition, size, root)

    def signed(self, partition: int, size: int) -> None:
        """A checkpoint is kept."""
        self._signed[partition] = max(size, self._signed.get(partition, 0))

    async def tend(self) -> None:
        """Sign what is old enough, thin out the kept ones, look for keys. Raises StoreDown."""
        now = monotonic()
        if now - self._looked < _LOOK_S:
            return
        self._looked = now
        if not await self._has_signer(now):
            return
        for cover in await checkpoints.covers(self._log.pool):
            await self._tend(cover)
        if now - self._thinned >= _THIN_S:
            self._thinned = now
            await checkpoints.thin_out(self._log.pool)

    async def _tend(self, cover: Cover) -> None:
        if cover.partition not in self._signed:
            try:
                if not await checkpoints.compare(self._log.pool, cover):
                    return
            except TreeDamaged as error:
                self._tell(f"Partition {cover.partition}: {error}")
                return
            kept = await checkpoints.latest(self._log.pool, cover.partition)
            self._signed[cover.partition] = 0 if kept is None else kept.size
            return
        new = cover.size - cover.signed
        due = cover.age_s is not None and cover.age_s >= self._every_s - _LOOK_S
        edge = Edge.loaded(cover.size, cover.frontier)
        if new > 0 and (due or new >= self._every_events) and edge and self._signer:
            await self._keep(cover, self._signer.note(cover.partition, cover.size, edge.root()))

    async def _keep(self, cover: Cover, note: str) -> None:
        writing = partial(self._log.pool.ask, writes=True)
        await checkpoints.keep(writing, cover.partition, cover.size, note)
        self.signed(cover.partition, cover.size)

    async def _has_signer(self, now: float) -> bool:
        if now - self._keys_looked < _KEYS_S:
            return self._signer is not None
        self._keys_looked = now
        ids = await signing.current_ids(self._log.pool)
        if self._signer is not None and set(self._signer.ids) <= set(ids):
            return True
        try:
            self._signer = await signing.signer(
                self._log.pool, self._log.keyring, with_ml_dsa=self._with_ml_dsa
            )
        except Unreadable as error:
            self._signer = None
            self._tell(f"No checkpoint can be signed: {error}")
        return self._signer is not None

    def _tell(self, sentence: str) -> None:
        if sentence not in self._told:
            self._told.add(sentence)
            _LOG.error("%s", sentence)
