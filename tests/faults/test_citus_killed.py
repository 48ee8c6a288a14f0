"""Kill -9 of a worker of Citus under load, if TEST_CITUS_URL names one: nothing is lost or doubled.

SESSIONARY_FAULT_KILLS says how often.
"""

import asyncio
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import citus, kills
from support.database import SEVERAL
from support.distributed import distributed_log
from support.patience import patient
from support.service_process import ServiceProcess, data_directory, end

pytestmark = citus.needed
KILLS = int(os.environ.get("SESSIONARY_FAULT_KILLS", "2"))
BACK_S = 15.0
"""Within this all partitions take commands again after a kill."""


@pytest.fixture(scope="module")
def service() -> Iterator[ServiceProcess]:
    """A service with two workers, on a log that is distributed."""
    with data_directory() as folder, distributed_log(folder, SEVERAL) as options:
        started = ServiceProcess(folder / "data", "--workers=2", *options)
        started.start()
        try:
            yield started
        finally:
            end(started)


async def test_a_kill_of_a_worker_loses_and_doubles_nothing(
    service: ServiceProcess, tmp_path: Path
) -> None:
    node = await citus.worker_here()
    started = []

    async def kill(_service: ServiceProcess, _nth: int) -> None:
        await asyncio.to_thread(node.kill)
        await asyncio.to_thread(node.start)
        started.append(node.processes()[0].create_time())

    book = tmp_path / "ledger.ndjson"
    run = await kills.under_load(service, book, [kill] * KILLS, random.Random(1))
    assert await kills.owed(service, book, run) == []
    assert len(set(started)) == KILLS
    assert max(run.paced_s) < BACK_S
    assert run.work.slowest_s < patient(BACK_S)
