"""Kill -9 of rebuilds and of the service by turns: what is rebuilt, live and folded is equal.

SESSIONARY_FAULT_KILLS says how often: a few times in a normal run, some hundred before a release.
"""

import asyncio
import os
import random
import sys
from collections import Counter
from pathlib import Path

import pytest
from support import kills
from support.beside import silent
from support.digests import of_tables, of_the_log
from support.patience import patient
from support.rebuilder import rebuilds
from support.service_process import ServiceProcess, service

from app.maintenance.keys import keyring_of
from app.maintenance.store import DataLocation, connected
from app.rebuild.rebuild import named, rebuild

KILLS = int(os.environ.get("SESSIONARY_FAULT_KILLS", "2"))
SEED = int(os.environ.get("SESSIONARY_FAULT_SEED", "1"))
LASTS_S = 0.6
"""About so long a rebuild takes, and much longer when there are many kills: it goes on from where
the one before was killed."""
SERVICE_EVERY = 16
"""One of so many kills is the service's: its start takes much longer than a rebuild."""
BETWEEN_KILLS = kills.SENT_SINCE
"""Commands: fewer than in other tests, for many of these kills follow each other."""


async def test_rebuilt_live_and_folded_views_are_equal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    moments, book, hit = random.Random(SEED), tmp_path / "ledger.ndjson", Counter[str]()

    with service("--workers=2") as served:
        async with rebuilds() as rebuilding:

            async def of_either(served: ServiceProcess, nth: int) -> None:
                if nth % SERVICE_EVERY == 0:
                    await kills.of_the_service(served, nth // SERVICE_EVERY)
                    hit["services"] += 1
                    return
                url, folder, jobs = served.database_url, served.data_dir, 1 + nth % 2
                after_s = moments.uniform(0.05, patient(LASTS_S))
                was_hit = await rebuilding.killed(url, jobs, folder, after_s)
                hit["rebuilds" if was_hit else "after the end of a rebuild"] += 1

            run = await kills.under_load(served, book, [of_either] * KILLS, moments, BETWEEN_KILLS)
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
        sys.stdout.write(
            f"\n{KILLS} kills, {dict(hit)}: {run.work.acknowledged} acknowledged, {folded}\n"
        )
