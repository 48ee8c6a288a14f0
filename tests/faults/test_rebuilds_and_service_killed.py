"""Kill -9 of rebuilds and of the service by turns: what is rebuilt, live and folded is equal.

SESSIONARY_FAULT_KILLS says how often: a few times in a normal run, some hundred before a release.
"""

import asyncio
import os
import random
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from support import kills
from support.beside import silent
from support.digests import of_tables, of_the_log
from support.patience import patient
from support.service_process import ServiceProcess, service

from app.maintenance.keys import keyring_of
from app.maintenance.store import DataLocation, connected
from app.rebuild.rebuild import named, rebuild

KILLS = int(os.environ.get("SESSIONARY_FAULT_KILLS", "2"))
SEED = int(os.environ.get("SESSIONARY_FAULT_SEED", "1"))
TESTS = Path(__file__).parents[1]
LASTS_S = 2.0
"""About so long a rebuild takes."""


async def of_a_rebuild(served: ServiceProcess, nth: int, moments: random.Random) -> None:
    """One that has run for some time; a few are done before."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "support.rebuilder", served.database_url, str(1 + nth % 2),
        str(served.data_dir), cwd=TESTS, start_new_session=True,
    )  # fmt: skip
    try:
        async with asyncio.timeout(moments.uniform(0.3, patient(LASTS_S))):
            await process.wait()
    except TimeoutError:
        process.kill()
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def test_rebuilt_live_and_folded_views_are_equal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    moments, book = random.Random(SEED), tmp_path / "ledger.ndjson"

    async def of_either(served: ServiceProcess, nth: int) -> None:
        if moments.random() < 0.25:  # (a start takes longer than a rebuild)
            await kills.of_the_service(served, nth)
        else:
            await of_a_rebuild(served, nth, moments)

    with service("--workers=2") as served:
        run = await kills.under_load(served, book, [of_either] * KILLS, moments)
        assert await kills.owed(served, book, run) == []
        async with connected(served.database_url) as store:
            where = DataLocation(database_url=None, data_dir=served.data_dir)
            keyring = await keyring_of(store, where)
            await rebuild(store, keyring, named(()), silent)
            folded = await of_the_log(store, keyring)
            assert await of_tables(store) == folded
            assert await of_tables(store, "_old") == folded
        await asyncio.to_thread(served.stop)
    with capsys.disabled():
        sys.stdout.write(f"\n{KILLS} kills: {run.work.acknowledged} acknowledged, {folded}\n")
