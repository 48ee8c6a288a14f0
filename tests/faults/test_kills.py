"""Kill -9 of the service and of PostgreSQL under load: nothing acknowledged is lost or doubled.

SESSIONARY_FAULT_KILLS says how often each is killed: a few times in a normal run, some hundred
before a release.
"""

import asyncio
import os
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from support.ledger import differences, read_ledger, read_log
from support.load import PATIENCE_S, Load, load
from support.patience import patient
from support.service_process import ServiceProcess, no_difference
from support.service_process import service as running_service

from app.maintenance.store import DataLocation

KILLS = int(os.environ.get("SESSIONARY_FAULT_KILLS", "2"))
SEED = int(os.environ.get("SESSIONARY_FAULT_SEED", "1"))
CLIENTS = 16
SENT_SINCE = CLIENTS + 1
"""Of so many answers one at least is to a command that was sent after the kill."""
BETWEEN_KILLS = 150
"""Commands, at least: so that each kill hits work of its own."""
BACK_S = 15.0
"""Within this the service must serve again after a kill."""


@pytest.fixture(scope="module")
def service() -> Iterator[ServiceProcess]:
    """A service with two workers, on a directory that was empty."""
    with running_service("--workers=2") as started:
        yield started


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all clients of the service keep their ledger."""
    return tmp_path_factory.mktemp("ledger") / "ledger.ndjson"


@pytest.fixture
def moments() -> random.Random:
    """When to kill."""
    return random.Random(SEED)  # a repeatable sequence is what is wanted


async def settle(service: ServiceProcess, book: Path, work: Load) -> None:
    """Everything that clients were told is so, and nothing else."""
    assert work.broken == []
    where = DataLocation(database_url=None, data_dir=service.data_dir)
    assert differences(read_ledger(book), await read_log(service.database_url, where)) == []
    assert await asyncio.to_thread(no_difference, service) == []


def report(name: str, work: Load, back_s: list[float], show: pytest.CaptureFixture[str]) -> None:
    """Say the numbers of a run, for a person who runs many kills."""
    with show.disabled():
        sys.stdout.write(
            f"\n{len(back_s)} kills of the {name}: {work.acknowledged} acknowledged, "
            f"{work.replayed} of them replayed; back after at most {max(back_s, default=0):.2f} s; "
            f"slowest answer {work.slowest_s:.2f} s; {dict(work.answers)}\n"
        )


async def test_killing_the_service_loses_and_doubles_nothing(
    service: ServiceProcess,
    book: Path,
    moments: random.Random,
    capsys: pytest.CaptureFixture[str],
) -> None:
    back_s = []
    async with load(service.base_url, book, CLIENTS, "service") as work:
        for nth in range(KILLS):
            await work.acknowledge_more(BETWEEN_KILLS)
            await asyncio.sleep(moments.random() * 0.2)
            workers, killed = service.workers(), time.monotonic()
            service.kill()
            if nth % 2:  # else they notice by themselves, while the next life begins
                for worker in workers:
                    worker.kill()
            service.begin()
            await asyncio.to_thread(psutil.wait_procs, workers)
            await work.acknowledge_more(SENT_SINCE)
            back_s.append(time.monotonic() - killed)
        await work.acknowledge_more(BETWEEN_KILLS)
    report("service", work, back_s, capsys)
    assert max(back_s) < patient(BACK_S)
    await settle(service, book, work)


async def test_killing_the_database_loses_and_doubles_nothing(
    service: ServiceProcess,
    book: Path,
    moments: random.Random,
    capsys: pytest.CaptureFixture[str],
) -> None:
    back_s = []
    async with load(service.base_url, book, CLIENTS, "database") as work:
        for _ in range(KILLS):
            await work.acknowledge_more(BETWEEN_KILLS)
            await asyncio.sleep(moments.random() * 0.2)
            killed = time.monotonic()
            for process in service.servers():
                process.kill()
            await work.acknowledge_more(SENT_SINCE)
            back_s.append(time.monotonic() - killed)
        await work.acknowledge_more(BETWEEN_KILLS)
    report("database", work, back_s, capsys)
    assert service.database_log.count("was not properly shut down") == KILLS
    assert max(back_s) < patient(BACK_S)
    assert work.slowest_s < patient(PATIENCE_S)
    await settle(service, book, work)
