"""What commands rest on, part by part, in a word each: anybody may ask, so it tells no more."""

from typing import Literal

import asyncpg
from msgspec import UNSET, Struct, UnsetType

from app.concurrency.ttl_cache import TtlCache
from app.database.errors import StoreDown
from app.log.errors import WrongMasterKey
from app.log.incarnation import AnotherLog
from app.log.log import Log
from app.log.standby import Standing
from app.operations.projections import projections

_FRESH_S = 1.0
_ALL = b""
Word = Literal["well", "wrong", "behind", "unknown"]
"""`behind` does not make the service unready; `unknown`: the database does not say."""
_STANDBY: dict[str, Word] = {"read": "well", "behind": "behind", "away": "wrong"}


class Parts(Struct, frozen=True, kw_only=True):
    """The parts of readiness."""

    database: Word
    """Whether it can be written."""
    schema: Word
    """Whether it holds a log of this release or a newer one."""
    keys: Word
    """Whether the master key is the log's."""
    followers: Word
    serving: Word
    """`wrong`: the service is about to end."""
    standby: Word | UnsetType = UNSET
    """Whether reads go there: if not, the primary has them too. Absent if there is none."""


class ReadyParts:
    """Looks on behalf of all who ask, at most once a second."""

    def __init__(self, log: Log) -> None:
        """Nothing is looked at yet."""
        self._log = log
        self._looked = TtlCache[tuple[Word, Word, Word]](ttl_s=_FRESH_S, most=1)

    async def parts(
        self, reason: str | None, *, draining: bool, standby: Standing | None = None
    ) -> Parts:
        """All parts. `reason`: why commands cannot be served."""
        schema, keys, followers = await self._looked.get(_ALL, self._look)
        return Parts(
            database="unknown" if draining else "well" if reason is None else "wrong",
            schema=schema,
            keys=keys,
            followers=followers,
            serving="wrong" if draining else "well",
            standby=UNSET if standby is None else _STANDBY[standby.state],
        )

    async def _look(self, _: tuple[Word, Word, Word] | None) -> tuple[Word, Word, Word]:
        try:
            await self._log.incarnation.check(self._log.pool.ask)
            found = await projections(self._log.pool)
        except (AnotherLog, StoreDown, asyncpg.PostgresError) as error:
            # (A new connection is refused with the same error, but the pool tries again.)
            refused = error if isinstance(error, AnotherLog) else error.__cause__
            if not isinstance(refused, AnotherLog):
                return "unknown", "unknown", "unknown"
            if isinstance(refused.__cause__, WrongMasterKey):
                return "well", "wrong", "unknown"
            return "wrong", "unknown", "unknown"
        behind = any(not each.is_well for each in found)
        return "well", "well", "behind" if behind else "well"
