"""Kill -9 under load, and what the service owes its clients and readers afterwards."""

import asyncio
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path

import asyncpg
import psutil
from msgspec import Struct

from app.history.followed import reached
from app.history.moments import present_cut
from app.maintenance import key_file
from app.maintenance.store import DataLocation
from app.service import open_service
from app.settings import Settings
from support.feed_reader import FeedReader, feed_reader
from support.histories import expected, kept
from support.ledger import differences, read_ledger, read_log
from support.load import Load, load
from support.patience import patient
from support.service_process import ServiceProcess, no_difference

CLIENTS = 32
SENT_SINCE = CLIENTS + 1
"""Of so many answers one at least is to a command that was sent after the kill."""
BETWEEN_KILLS = 150
"""Commands, at least: so that each kill hits work of its own."""
FOLLOWED_S = 15.0
"""Within this, the histories are where the log ends, once nobody writes any more."""
READ_S = 15.0
"""Within this, all events are read in one statement."""

Kill = Callable[[ServiceProcess, int], Awaitable[None]]
"""Kills something of a running service for the nth time."""


class Run(Struct):
    """What clients and a reader met."""

    work: Load
    reader: FeedReader
    back_s: list[float]
    """Seconds from each kill until commands were answered again."""
    paced_s: list[float]
    """As many as they would have been on a quiet machine, by its pace right after each kill."""


async def of_the_service(service: ServiceProcess, nth: int) -> None:
    """All its processes at once, or the main one, and its workers notice by themselves."""
    workers = service.workers()
    service.kill()
    if nth % 2 == 0:
        for worker in workers:
            worker.kill()
    service.begin()
    await asyncio.to_thread(psutil.wait_procs, workers)


async def of_the_database(service: ServiceProcess, nth: int) -> None:
    """All processes of PostgreSQL."""
    for process in service.servers():
        with suppress(psutil.NoSuchProcess):  # it has ended by itself meanwhile
            process.kill()


async def of_a_backend(service: ServiceProcess, nth: int) -> None:
    """One that serves a worker: it dies, and PostgreSQL recovers, or it is told to end."""
    owner = await asyncpg.connect(service.database_url)
    try:
        # (The one that was busy last: most likely it is appending.)
        pid: int = await owner.fetchval(
            "SELECT pid FROM pg_stat_activity WHERE starts_with(application_name, 'sessionary ')"
            " ORDER BY state = 'active' DESC, state_change DESC LIMIT 1"
        )
        with suppress(ProcessLookupError):  # it has ended by itself meanwhile
            os.kill(pid, signal.SIGTERM if nth % 2 else signal.SIGKILL)
    finally:
        owner.terminate()


async def under_load(
    service: ServiceProcess,
    book: Path,
    kills: Sequence[Kill],
    moments: random.Random,
    between: int = BETWEEN_KILLS,
) -> Run:
    """Kill while clients work and a reader follows the feed; all were answered afterwards.

    `between`: commands that are answered before each kill, at least.
    """
    back_s, paced_s = [], []
    name = f"{moments.getrandbits(64):x}"
    async with (
        feed_reader(service.base_url) as reader,
        load(service.base_url, book, CLIENTS, name) as work,
    ):
        for nth, kill in enumerate(kills):
            await work.acknowledge_more(between)
            await asyncio.sleep(moments.random() * 0.2)
            killed = time.monotonic()
            await kill(service, nth)
            await work.acknowledge_more(SENT_SINCE)
            back_s.append(time.monotonic() - killed)
            paced_s.append(back_s[-1] / patient(1.0))
        await work.acknowledge_more(between)
    return Run(work, reader, back_s, paced_s)


async def owed(service: ServiceProcess, book: Path, run: Run) -> list[str]:
    """What is not as clients and readers were told; empty when all is well."""
    where = DataLocation(
        database_url=None, data_dir=service.data_dir, master_key_file=service.key_file
    )
    stored = await read_log(service.database_url, where)
    found = [f"an answer that nobody should get: {answer}" for answer in run.work.broken]
    found += differences(read_ledger(book), stored)
    found += await run.reader.owed((event.partition, event.position) for event in stored)
    if found:  # then nothing that is made of the log can be right
        return found
    found = await _histories_owed(service)
    return [*found, *await asyncio.to_thread(no_difference, service)]


async def _histories_owed(service: ServiceProcess) -> list[str]:
    """Where the histories are not what the log, folded in memory, says."""
    settings = Settings(
        database_url=service.login_url,
        master_key=key_file.read(service.key_file),
        store_deadline_s=patient(READ_S),
    )
    owner, worker = await asyncpg.connect(service.database_url), await open_service(settings)
    try:
        deadline = time.monotonic() + patient(FOLLOWED_S)
        while await reached(worker.pool) != await present_cut(worker.pool):
            if time.monotonic() > deadline:
                return ["the histories do not follow the log to its end"]
            await asyncio.sleep(0.05)
        found, wanted = await kept(owner), await expected(worker)
        return [
            f"{place}: {found.get(place)} in the histories, {wanted.get(place)} by the log"
            for place in found.keys() | wanted.keys()
            if found.get(place) != wanted.get(place)
        ]
    finally:
        await worker.close()
        await owner.close()
