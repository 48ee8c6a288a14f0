"""A hot standby that is read in the place of the primary: how it stands, and what it answers."""

import asyncio
from collections.abc import Container, Sequence
from functools import partial
from typing import Literal, get_args

import asyncpg
from msgspec import Struct

from app.concurrency.ttl_cache import in_the_background
from app.database.errors import StoreDown, TooSlow
from app.database.pool import TOO_SLOW, Reachability, cause_of
from app.database.standby_pool import FAILURES, StandbyPool, fetched
from app.log.fence import Comparison, Shown, Verdict, compared, shown
from app.log.read import Asks
from app.settings import Settings
from app.telemetry import metrics

LOOK_S = 1.0
"""Seconds between two looks of a worker."""
_PAUSE_S = 0.002
"""Seconds until a standby that is behind is asked again; each further pause is longer."""
_LONGEST_PAUSE_S = 0.05
Word = Literal["read", "behind", "away"]
"""How a standby stands: it is read; only asked whether it has come up; not asked at all."""


UNFIT: dict[Verdict | None, str] = {
    Verdict.PRIMARY: "it takes writes itself, so it is no standby, or none any more",
    Verdict.ANOTHER: "it has another log than the primary",
}
_UNSEEN = "nobody has looked at it yet"


class Standing(Struct, frozen=True, kw_only=True, rename="camel"):
    """How a standby stands."""

    state: Word
    reason: str
    """Why it is not read; empty if it is."""
    lag_events: int | None
    """Events that it lacked at the last look; None: nothing was found out."""


class UnfitStandby(ConnectionError):
    """The server that answers is no standby of the primary."""

    def __init__(self, verdict: Verdict | None = None) -> None:
        """`verdict`: None if it has no log at all."""
        self.verdict = verdict
        super().__init__(UNFIT.get(verdict, "it holds no log, or not all of it yet"))


class BehindPrimary(ConnectionError):
    """The standby does not come up with the primary in time."""


class Standby:
    """The standby of one worker process.

    A standby that fails is asked by no request until a look has found it well again: so what a dead
    one costs is not paid by each request.
    """

    def __init__(
        self, settings: Settings, url: str, primary: Asks, primary_only: Container[str] = ()
    ) -> None:
        """Not read before the first look. `primary_only`: statements that no standby can do."""
        self.primary = primary
        self.primary_only = primary_only
        self.pool = StandbyPool(settings, url)
        self.wait_s = settings.read_wait_s
        self.longest_s = settings.list_deadline_s
        self.standing = Standing(state="away", reason=_UNSEEN, lag_events=None)
        self.failure: BaseException | None = None
        """The error for which it is away."""
        self._own: asyncpg.Connection | None = None
        self._looking: asyncio.Task[None] | None = None
        self._answers = Reachability("The standby is not read", "The standby is read again")
        self._keeps_up = Reachability("The standby is behind", "The standby has come up again")

    async def close(self) -> None:
        """Break all connections off."""
        if self._looking is not None:
            self._looking.cancel()
        self._leave_own()
        self.pool.drop()

    async def keep_looking(self) -> None:
        """Look from time to time, for as long as the worker lives."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """Find out how the standby stands; who asks meanwhile waits for the same look."""
        if self._looking is None or self._looking.done():
            self._looking = in_the_background(self._look())
        await asyncio.shield(self._looking)

    async def reach(
        self, connection: asyncpg.Connection, primary: Shown, until_s: float
    ) -> Comparison:
        """Compare the standby with what the primary has shown, until it has come up.

        `until_s`: the loop's time when that is given up. Raises one of FAILURES, or StoreDown.
        """
        ask, pause_s = partial(fetched, connection, limit_s=self.wait_s), _PAUSE_S
        while True:
            try:
                found = await compared(primary, self.primary.ask, ask)
            except (asyncpg.UndefinedTableError, asyncpg.InsufficientPrivilegeError) as error:
                raise UnfitStandby from error
            now = asyncio.get_running_loop().time()
            if found.verdict is not Verdict.NOT_YET or now + pause_s > until_s:
                return found
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    async def answer(
        self, connection: asyncpg.Connection, sql: str, arguments: Sequence[object]
    ) -> Sequence[asyncpg.Record]:
        """The rows of a statement that may take long, while the standby answers others.

        Raises TooSlow, or one of FAILURES.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.longest_s
        asking = in_the_background(connection.fetch(sql, *arguments))
        try:
            while True:
                await asyncio.wait({asking}, timeout=self.wait_s)
                if asking.done():
                    return asking.result()
                await self.look()
                if self.standing.state == "away" or loop.time() > deadline + self.wait_s:
                    raise TimeoutError("The standby does not answer any more")
        except asyncpg.QueryCanceledError as error:
            if loop.time() < deadline:
                raise  # recovery was in its way
            raise TooSlow(TOO_SLOW) from error
        finally:
            if not asking.done():
                connection.terminate()

    def judge(self, found: Comparison) -> None:
        """Take note of how the standby compares. Raises UnfitStandby."""
        if found.verdict in UNFIT:
            raise UnfitStandby(found.verdict)
        self._answers.answered()
        if found.verdict is Verdict.REACHED:
            self._stands("read", "", found.behind)
            self._keeps_up.answered()
        else:
            self._stands("behind", "it does not come up with the primary in time", found.behind)
            self._keeps_up.failed(BehindPrimary(f"{found.behind} events are missing"))

    def failed(self, error: BaseException) -> None:
        """Take note that the standby failed: nobody asks it until a look has found it well."""
        self._answers.failed(error)
        if self.standing.state != "away":
            self.pool.turn()
        self._stands("away", cause_of(error))
        self.failure = error

    def _stands(self, state: Word, reason: str, behind: int | None = None) -> None:
        self.standing = Standing(state=state, reason=reason, lag_events=behind)
        self.failure = None
        for each in get_args(Word):
            metrics.STANDBY.labels(each).set(each == state)

    async def _look(self) -> None:
        try:
            primary = await shown(self.primary.ask)
        except (StoreDown, asyncpg.PostgresError):
            return  # nothing to compare it with
        try:
            if self._own is None or self._own.is_closed():
                self._own = await self.pool.connect()
            until_s = asyncio.get_running_loop().time() + self.wait_s
            self.judge(await self.reach(self._own, primary, until_s))
        except StoreDown:
            return
        except FAILURES as error:
            self._leave_own()
            if self.standing.state == "away":  # else `failed` turns to the next host
                self.pool.turn()
            self.failed(error)

    def _leave_own(self) -> None:
        if self._own is not None:
            self._own.terminate()
            self._own = None
