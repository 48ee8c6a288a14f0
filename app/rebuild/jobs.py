"""The workers of one rebuild: this process, and forks of it.

A fork begins with everything that is imported, and with no connection: it opens its own.
"""

import asyncio
import os
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import NoReturn

import msgspec
import uvloop
from msgspec import Struct

from app.log.keyring import Keyring
from app.maintenance.store import Connection
from app.rebuild.page import Spent
from app.rebuild.runs import Overtaken, RebuildStopped, Run
from app.rebuild.scan import Worker
from projections.view import View

_LAST_FD = 4_096
_ENDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class WorkerFailed(Exception):
    """A forked worker ended before its time; the message has its error."""


class Scan(Struct, frozen=True):
    """What the workers of one rebuild share."""

    store: Connection
    keyring: Keyring
    views: Mapping[str, View]
    run: Run


class Report(Struct):
    """What a worker says: events that it folded, and at its end all that it did."""

    events: int = 0
    spent: Spent | None = None
    rows: dict[str, int] = {}
    error: str | None = None


async def scan(scan: Scan, jobs: int, advance: Callable[[int], None]) -> Report:
    """Fold all ranges in so many processes. Raises Overtaken, RebuildStopped, WorkerFailed."""
    forks = [_Fork(scan) for _ in range(jobs - 1)]
    try:
        following = [asyncio.ensure_future(fork.follow(advance)) for fork in forks]
        try:
            total = await _work(scan, advance)
            reports = await asyncio.gather(*following)
        finally:
            for each in following:
                each.cancel()
        assert total.spent is not None
        for report in reports:
            total.spent.add(report.spent or Spent())
            total.rows = {name: rows + report.rows[name] for name, rows in total.rows.items()}
        return total
    finally:
        for fork in forks:
            fork.end()


async def _work(scan: Scan, advance: Callable[[int], None]) -> Report:
    rows = dict.fromkeys(scan.views, 0)
    async with scan.store.another() as reads, scan.store.another() as writes:
        worker = Worker(reads, writes, scan.keyring, scan.views, scan.run, advance, Spent(), rows)
        await worker.work()
    return Report(spent=worker.spent, rows=rows)


class _Fork:
    """A worker in a process of its own, which reports line by line."""

    def __init__(self, scan: Scan) -> None:
        self._reads, writes = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            _run(scan, writes)
        os.close(writes)

    async def follow(self, advance: Callable[[int], None]) -> Report:
        """Take its reports, up to the last one. Raises WorkerFailed."""
        lines = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        pipe, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(lines), os.fdopen(self._reads, "rb", 0)
        )
        try:
            while line := await lines.readline():
                report = msgspec.json.decode(line, type=Report)
                if report.error is not None:
                    raise WorkerFailed(report.error)
                advance(report.events)
                if report.spent is not None:
                    return report
        finally:
            pipe.close()
        raise WorkerFailed("a worker of the rebuild ended without a word")

    def end(self) -> None:
        """End it; what it had not finished is undone by the database."""
        with suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)


def _run(scan: Scan, writes: int) -> NoReturn:
    """The whole life of a fork."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        for number in _ENDED:  # it ends with its parent, which these are for
            signal.signal(number, signal.SIG_IGN)
        os.closerange(3, writes)
        os.closerange(writes + 1, _LAST_FD)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            _say(writes, runner.run(_reported(scan, writes)))
        code = 0
    finally:
        os._exit(code)


async def _reported(scan: Scan, writes: int) -> Report:
    try:
        return await _work(scan, lambda events: _say(writes, Report(events)))
    except (Overtaken, RebuildStopped):
        # The parent learns it by itself; if not, its work was done.
        return Report(spent=Spent(), rows=dict.fromkeys(scan.views, 0))
    except Exception as error:
        return Report(error=f"{type(error).__name__}: {error}")


def _say(writes: int, report: Report) -> None:
    """Tell the parent; if that is gone, this ends the work."""
    os.write(writes, msgspec.json.encode(report) + b"\n")
