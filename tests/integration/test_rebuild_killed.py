"""Kill -9 of a rebuild, again and again, beside commands: the next one goes on from there.

SESSIONARY_FAULT_KILLS says how often: a few times in a normal run, some hundred before a release.
"""

import asyncio
import os
import random
import signal
import sys
from collections import Counter
from pathlib import Path

import pytest
from support import given
from support.beside import silent
from support.database import MASTER_KEY, SEVERAL
from support.digests import of_tables, of_the_log
from support.patience import patient

from app.integrity.verify import verify
from app.log.keyring import Keyring
from app.maintenance.store import Connection
from app.rebuild.rebuild import named, rebuild
from app.service import Service

KILLS = int(os.environ.get("SESSIONARY_FAULT_KILLS", "2"))
SEED = int(os.environ.get("SESSIONARY_FAULT_SEED", "1"))
SESSIONS = 60
TESTS = Path(__file__).parents[1]


@pytest.fixture(params=[1, SEVERAL], ids=["one", "several"])
def partitions(request: pytest.FixtureRequest) -> int:
    count: int = request.param
    return count


async def write(service: Service, stop: asyncio.Event, done: Counter[str]) -> None:
    while not stop.is_set():
        session = given.session_of(await given.open_ai_session(service))
        await given.patch_ai_session(service, session, "other")
        if done["sessions"] % 3 == 0:
            await given.delete_ai_session(service, session)
        await given.open_chat_session(service)
        done["sessions"] += 1
        await asyncio.sleep(0.02)


async def rebuilder(database_url: str, jobs: int) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "support.rebuilder", database_url, str(jobs),
        cwd=TESTS, stdout=asyncio.subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


async def killed(database_url: str, jobs: int, after_s: float) -> str:
    """What a rebuild said that is killed some time after its start, if it is not done before."""
    process = await rebuilder(database_url, jobs)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(after_s):
            await process.wait()
    except TimeoutError:
        process.kill()
    said = await process.stdout.read()
    assert await process.wait() in {0, -signal.SIGKILL}
    return said.decode()


@pytest.mark.parametrize("jobs", [1, 2])
async def test_views_equal_the_log_after_any_kills(
    service: Service, store: Connection, keyring: Keyring, database_url: str, jobs: int
) -> None:
    assert keyring.made(Keyring(MASTER_KEY).check_value())
    for _ in range(SESSIONS):
        await given.patch_ai_session(
            service, given.session_of(await given.open_ai_session(service)), "other"
        )
    moments = random.Random(SEED)
    stop, done = asyncio.Event(), Counter[str]()
    said = ""
    async with asyncio.TaskGroup() as tasks:
        for _ in range(2):
            tasks.create_task(write(service, stop, done))
        for _ in range(KILLS):
            said += await killed(database_url, jobs, moments.uniform(0.3, 2.5))
        last = await rebuilder(database_url, jobs)
        async with asyncio.timeout(patient(60)):
            said += (await last.communicate())[0].decode()
        stop.set()
    assert last.returncode == 0
    assert all(line.startswith("resumed at position ") for line in said.splitlines())
    assert done["sessions"] > 0
    assert await verify(store, keyring, silent) == []
    await rebuild(store, keyring, named(()), silent)
    folded = await of_the_log(store, keyring)
    assert await of_tables(store) == folded
    assert await of_tables(store, "_old") == folded
