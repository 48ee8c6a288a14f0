"""Bugs for a service under test: each takes the place of a function as its process starts.

The product has no switch for them: a `sitecustomize` on the path of the service's processes plants
one.
"""

import asyncio
import os
import random
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import asyncpg
from msgspec.structs import replace

from app.followers.history import SQL as HISTORY
from app.followers.history import History
from app.followers.history_batch import HistoryBatch
from app.followers.quarantine import arrays
from app.log import audited
from app.log.append import Appender
from app.log.entry import Entry
from app.log.outcome import Outcome

_LATE_S = 0.05
_APART_S = 0.5
"""Kills fall into gaps of so many seconds more often than into none."""
_APPENDER: Any = Appender
_HISTORY: Any = History


def answer_before_commit() -> None:
    """Commands are answered as soon as their events are written, and committed afterwards."""
    turn, commits = asyncio.Lock(), set[asyncio.Task[None]]()

    async def ask(
        self: Appender, sql: str, arguments: Sequence[object], limit_s: float
    ) -> Sequence[asyncpg.Record]:
        async with turn:
            try:
                connection = await asyncpg.connect(self._pool._settings.database_url)
                transaction = connection.transaction()
                await transaction.start()
                rows = await connection.fetch(sql, *arguments, None, timeout=limit_s)
            except asyncpg.InterfaceError as error:
                raise ConnectionError(str(error)) from error
            commits.add(asyncio.create_task(commit(connection, transaction)))
            return list(rows)

    async def commit(connection: asyncpg.Connection, transaction: Any) -> None:
        await asyncio.sleep(_LATE_S)
        with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            await transaction.commit()
            await connection.close()

    _APPENDER._ask = ask


def no_idempotency_key() -> None:
    """The log does not learn the keys of commands."""
    keep = Appender.append

    def forget_key(self: Appender, entry: Entry) -> asyncio.Future[Outcome]:
        prepared = replace(entry.prepared, key=None, fingerprint=None)
        return asyncio.ensure_future(_late(keep(self, replace(entry, prepared=prepared))))

    _APPENDER.append = forget_key


def order_of_a_sequence() -> None:
    """Readers of the feed follow the order in which ids were drawn, some time before the commit."""
    send = Appender._ask

    async def send_late(
        self: Appender, sql: str, arguments: Sequence[object], limit_s: float
    ) -> Sequence[asyncpg.Record]:
        await asyncio.sleep(random.random() * _LATE_S)
        return await send(self, sql, arguments, limit_s)

    _APPENDER._ask = send_late
    audited.SQL["read_on"] = """
        SELECT e.partition, e.notification_id, e.originator_id, e.originator_version, e.topic,
               e.state, e.event_id, e.recorded_at, e.actor, e.wrapped, e.metadata
          FROM recorded_event AS e
         WHERE e.partition = $1
           AND e.event_id > coalesce((SELECT s.event_id
                                        FROM stored_events AS s
                                       WHERE s.partition = $1
                                         AND s.notification_id = $2),
                                     '00000000-0000-0000-0000-000000000000'::uuid)
           AND e.notification_id <= $3 + $5 * 0
         ORDER BY e.event_id
         LIMIT $4"""


def checkpoint_apart() -> None:
    """The follower moves its checkpoint in one transaction, and writes its rows in the next."""

    async def write(
        self: History, partition: int, after: int, upto: int, batch: HistoryBatch, token: int
    ) -> bool:
        await self._add_stored(partition, batch)
        nothing = HistoryBatch(self._log.seal_in_view)
        for begin, each in ((after, nothing), (upto, batch)):
            rows = await self._log.pool.ask(
                HISTORY["write"], partition, token, begin, upto, batch.last,
                *each.arguments(), *each.index_arguments(), *arrays(each.failures), self.name,
                writes=True,
            )  # fmt: skip
            if each is nothing:
                await asyncio.sleep(_APART_S)
        return bool(rows[0]["done"])

    _HISTORY.write = write


async def _late(outcome: Awaitable[Outcome]) -> Outcome:
    found = await outcome
    await asyncio.sleep(_APART_S)
    return found


Plant = Callable[[], None]


@contextmanager
def planted(bug: Plant) -> Iterator[dict[str, str]]:
    """The environment of a service that has a bug."""
    with TemporaryDirectory() as folder:
        # (Not by a variable: workers are given those alone that they need.)
        name = bug.__name__
        Path(folder, "sitecustomize.py").write_text(
            f"from support.planted import {name}\n\n{name}()\n"
        )
        tests = Path(__file__).parents[1]
        yield {"PYTHONPATH": f"{folder}{os.pathsep}{tests}"}
