"""Looks after statements that were given up, so that their places come back."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence

import asyncpg

from app.log.places import Places
from app.sql import blocks

SQL = blocks(__file__)
LOOK_S = 1.0
"""How often they are looked for."""
_UNSEEN = (
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)


class Watch:
    """Gives up connections whose backends are gone or wait for us: their answers were lost.

    A backend that is still at work is left alone, and so keeps its place. It may wait for a
    standby with a commit, which would become visible if it were ended.
    """

    def __init__(
        self,
        held: Places,
        visited: Places,
        connect: Callable[[Places, float], Awaitable[asyncpg.Connection]],
        limit_s: float,
    ) -> None:
        """Looks through a connection in one of the places `visited`, for `limit_s` at the most."""
        self._held = held
        self._visited = visited
        self._connect = connect
        self._limit_s = limit_s
        # As the login itself: a role may not see what the login's other backends do.
        session = {key: value for key, value in visited.session.items() if key != "role"}
        self._guise = Places(1, session)
        self._looking: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Look until nothing is held any more."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.get_running_loop().create_task(self._look())

    def end(self) -> None:
        """Look no more."""
        if self._looking is not None:
            self._looking.cancel()

    async def _look(self) -> None:
        before: set[int] = set()
        while True:
            await asyncio.sleep(LOOK_S)
            held = {each.get_server_pid(): each for each in self._held.held.values()}
            if not held:
                return
            try:
                silent = await self._silent(list(held), before)
            except _UNSEEN:
                continue
            # Seen twice: an answer may have been on its way.
            for pid in silent & before:
                held[pid].terminate()
            before = silent

    async def _silent(self, pids: Sequence[int], before: Collection[int]) -> set[int]:
        """Which backends are gone or wait for us; those that were so `before` are ended."""
        limit_s = self._limit_s
        await self._visited.enter(limit_s)
        try:
            connection = await self._connect(self._guise, limit_s)
            try:
                rows = await connection.fetch(SQL["at_work"], pids, timeout=limit_s)
                silent = set(pids) - {row["pid"] for row in rows}
                await connection.fetch(
                    SQL["end_waiting"], list(silent & set(before)), timeout=limit_s
                )
                return silent
            finally:
                connection.terminate()
        finally:
            self._visited.leave()
