"""The hosts of a database URL, and which of them is the primary: the one promoted last.

A primary whose place another took may run on without knowing. It still lets callers in, shows what
it had then, and lets commits wait for standbys that have left it.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import asyncpg
from msgspec import Struct

from app.database.hosts import each_host
from app.database.session import worker_name
from app.database.sql import blocks
from app.telemetry import metrics

SQL = blocks(__file__)
CONNECT_S = 5.0
"""Seconds one host may take to accept a connection; a caller may give up earlier."""
LOOK_S = 1.0
"""Seconds between two looks of a worker at each of the other hosts."""
OTHERS_S = 2.0
"""For so long a command waits for the other hosts to say what they are."""
_LOG = logging.getLogger("sessionary")

Open = Callable[[str], Awaitable[asyncpg.Connection]]
"""Connects to one host, by its URL."""


class StalePrimary(ConnectionError):
    """A host takes writes, although another one was promoted after it."""


ANOTHER_MAY: tuple[type[BaseException], ...] = (
    OSError,  # refused, reset, unreachable, not in time, or a stale primary
    asyncpg.TargetServerAttributeNotMatched,
    asyncpg.CannotConnectNowError,
)
"""Errors of a host that is gone, or does not take writes that count."""
_UNSEEN = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


class Standing(Struct, frozen=True):
    """What a host is."""

    system: int
    """The cluster: a primary and its standbys have the same number."""
    timeline: int | None
    """The one that it writes, which each promotion raises; None for a standby."""

    def is_older(self, other: "Standing | None") -> bool:
        """Whether the other host of the same cluster was promoted after this one."""
        if other is None or self.system != other.system:
            return False
        return (self.timeline or 0) < (other.timeline or 0)


class Hosts:
    """The hosts in their order: the primary first, as far as is known."""

    def __init__(self, url: str) -> None:
        """`url`: names one host or several."""
        self._urls = each_host(url)
        self._newest: Standing | None = None
        self._open: dict[object, tuple[asyncpg.Connection, Standing]] = {}
        self._trying: dict[asyncio.Timeout, str] = {}
        self._refused: set[str] = set()

    async def connect(self, open_: Open) -> asyncpg.Connection:
        """A connection to the first host that takes writes. Raises the errors of the last one."""
        failed: BaseException | None = None
        for host in list(self._urls):
            try:
                async with self._in_time(host):
                    connection = await open_(host)
            except ANOTHER_MAY as error:
                failed = failed if isinstance(failed, StalePrimary) else error
                continue
            self._put_first(host)
            return connection
        assert failed is not None  # the list of hosts is never empty
        raise failed

    async def admit(self, host: str, connection: asyncpg.Connection) -> None:
        """Take up a connection that takes writes. Raises StalePrimary, or an error of asking."""
        if len(self._urls) == 1:
            return  # nothing to compare it with
        found = await _standing(connection)
        if found is None:
            return
        if found.is_older(self._newest):
            self._refuse(host, found)
        self._refused.discard(host)
        self._take(host, found)
        self._open[connection] = connection, found
        connection.add_termination_listener(self._closed)

    async def keep_looking(self) -> None:
        """Look at all hosts but the primary, for as long as the worker lives: one may take over.

        Nothing else would tell: a stale primary answers reads, and a frozen one answers nothing.
        """
        if len(self._urls) > 1:
            async with asyncio.TaskGroup() as group:
                for host in list(self._urls):
                    group.create_task(self._watch(host))

    async def _watch(self, host: str) -> None:
        connection: asyncpg.Connection | None = None
        try:
            while True:
                await asyncio.sleep(LOOK_S)
                try:
                    connection = await self._look(host, connection)
                except _UNSEEN:
                    _drop(connection)
                    connection = None
        finally:
            _drop(connection)

    async def _look(
        self, host: str, connection: asyncpg.Connection | None
    ) -> asyncpg.Connection | None:
        """Look at one host; the connection is kept, but not to the primary."""
        if host == self._urls[0]:
            _drop(connection)
            return None
        if connection is None:
            connection = await asyncpg.connect(
                host,
                timeout=CONNECT_S,
                statement_cache_size=0,
                server_settings={"application_name": worker_name()},
                target_session_attrs=asyncpg.connect_utils.SessionAttribute.any,
            )
        found = await _standing(connection)
        if found is None or self._newest is None or not self._newest.is_older(found):
            return connection
        self._put_first(host)
        self._take(host, found)
        connection.terminate()
        return None

    @asynccontextmanager
    async def _in_time(self, host: str) -> AsyncIterator[None]:
        async with asyncio.timeout(CONNECT_S) as limit:
            self._trying[limit] = host
            try:
                yield
            finally:
                del self._trying[limit]

    def _put_first(self, host: str) -> None:
        self._urls.remove(host)
        self._urls.insert(0, host)

    def _take(self, host: str, found: Standing) -> None:
        """Note a primary. If it is a newer one, leave all others at once."""
        before, self._newest = self._newest, found
        if before == found:
            return
        for url in self._urls:
            metrics.PRIMARY.labels(name_of(url)).set(url == host)
        if before is None:
            return
        _LOG.warning("The primary is %s now, on timeline %s", name_of(host), found.timeline)
        # What waits there counts only if the new primary has it: whoever asks again finds out.
        for connection, its in list(self._open.values()):
            if its != found:
                connection.terminate()
        now = asyncio.get_running_loop().time()
        for limit, other in self._trying.items():
            if other != host:
                limit.reschedule(now)

    def _refuse(self, host: str, found: Standing) -> None:
        assert self._newest is not None  # it is what the host is older than
        name, newer = name_of(host), self._newest.timeline
        if host not in self._refused:
            self._refused.add(host)
            _LOG.error(
                "%s takes writes on timeline %s, but timeline %s was seen: it is left alone. "
                "If it was restored on purpose, start the service anew",
                name, found.timeline, newer,
            )  # fmt: skip
        raise StalePrimary(f"{name} is a primary of before: timeline {found.timeline} of {newer}")

    def _closed(self, connection: object) -> None:
        self._open.pop(connection, None)


async def to_newest(url: str, open_: Open) -> asyncpg.Connection:
    """A connection to the host that was promoted last, of those that `open_` accepts.

    A host that does not answer is waited for while no other one does. Raises what `open_` does.
    """
    hosts = each_host(url)
    if len(hosts) == 1:
        return await open_(url)
    opening = [asyncio.create_task(_opened(open_, host)) for host in hosts]
    try:
        done, late = await asyncio.wait(opening, timeout=OTHERS_S)
        while late and all(each.exception() is not None for each in done):
            more, late = await asyncio.wait(late, return_when=asyncio.FIRST_COMPLETED)
            done |= more
    finally:
        for each in opening:
            each.cancel()
        ended = await asyncio.gather(*opening, return_exceptions=True)
    found = [each for each in ended if isinstance(each, tuple)]
    if not found:
        failed = [each for each in ended if isinstance(each, BaseException)]
        standby = (each for each in failed if isinstance(each, ANOTHER_MAY[1]))
        raise next(standby, failed[0])
    newest = max(found, key=lambda each: each[1])
    for connection, _ in found:
        if connection is not newest[0]:
            connection.terminate()
    return newest[0]


async def _opened(open_: Open, host: str) -> tuple[asyncpg.Connection, int]:
    connection = await open_(host)
    try:
        found = await _standing(connection)
    except BaseException:
        connection.terminate()
        raise
    return connection, (found and found.timeline) or 0


def name_of(url: str) -> str:
    """A host and its port, without the rest of its URL."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    named = parts.netloc.rpartition("@")[2] or ":".join(
        each for each in (query.get("host", [""])[0], query.get("port", [""])[0]) if each
    )
    return named or "localhost"


async def _standing(connection: asyncpg.Connection) -> Standing | None:
    """What the host is; None if it does not tell, as some that only resemble PostgreSQL."""
    try:
        row = await connection.fetchrow(SQL["standing"], timeout=CONNECT_S)
    except (asyncpg.FeatureNotSupportedError, asyncpg.InsufficientPrivilegeError):
        return None
    assert row is not None  # it has no condition
    return Standing(row["system"], row["timeline"])


def _drop(connection: asyncpg.Connection | None) -> None:
    if connection is not None:
        connection.terminate()
