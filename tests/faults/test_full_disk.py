"""A disk that is full in truth: writes are refused, readers go on, and nothing is lost."""

import asyncio
import os
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path

import asyncpg
import httpx
import pytest
from support.clusters import OwnCluster, own_cluster
from support.database import logins, write_master_key
from support.ledger import differences, ledger, read_ledger, read_log
from support.patience import patient
from support.service_process import ADMIN, ServiceProcess, end

from app.maintenance.store import DataLocation

DISK = "96m"
"""For a log of writes that is never smaller than 16 MiB a file, and one more at the least."""

CLIENTS = 8
"""Who go on writing all the time, beside the one that looks."""
AGAIN_S = 10.0
"""Within this, writes succeed again once there is room."""
TRIES = 4
"""How often a service on a full disk is asked whether it is ready."""


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, check=False, text=True)


@pytest.fixture
def small() -> Iterator[OwnCluster]:
    """A running cluster on a disk of its own."""
    with own_cluster() as cluster:
        cluster.files.mkdir()
        mounted = run("mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", cluster.files)
        if mounted.returncode:
            pytest.skip(f"no disk can be mounted: {mounted.stderr.strip()}")
        try:
            os.chown(cluster.files, cluster.embedded.owner, cluster.embedded.group)
            cluster.create()
            with cluster.started():
                yield cluster
        finally:
            run("umount", "-l", cluster.files)


@pytest.fixture
def service(small: OwnCluster, tmp_path: Path) -> Iterator[ServiceProcess]:
    """A service on that cluster."""
    key_file = tmp_path / "master.key"
    write_master_key(key_file)
    started = ServiceProcess(
        tmp_path / "data",
        *logins(small.url()),
        f"--master-key-file={key_file}",
        "--allow-unsafe-database",
        "--customer-timeout=0",
    )
    try:
        started.start()
        yield started
    finally:
        end(started)


@pytest.mark.parametrize("dumped", [False, True], ids=["alone", "beside a dump"])
async def test_writes_are_refused_until_there_is_room_again(
    small: OwnCluster, service: ServiceProcess, tmp_path: Path, dumped: bool
) -> None:
    async with dump(small) if dumped else nullcontext():
        await fill_and_empty(small, service, tmp_path)


@asynccontextmanager
async def dump(cluster: OwnCluster) -> AsyncIterator[None]:
    """The lock that pg_dump takes of every table, for as long as it runs."""
    connection = await asyncpg.connect(cluster.url())
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE room IN ACCESS SHARE MODE")
            yield
    finally:
        connection.terminate()


async def fill_and_empty(small: OwnCluster, service: ServiceProcess, tmp_path: Path) -> None:
    """Writes until the disk is full, and again after it has room, beside others who go on."""
    book, filling = tmp_path / "book", small.files / "filling"
    made = 0
    going_on = True
    told: Counter[int] = Counter()
    with ledger(book) as lines:
        async with httpx.AsyncClient(
            base_url=service.base_url, auth=ADMIN, timeout=patient(30.0)
        ) as client:

            async def create() -> httpx.Response:
                nonlocal made
                made += 1
                key = f"{made}" + "." * 60_000
                lines.intend(key)
                headers = {"Idempotency-Key": f"{made}"}
                answer = await client.post("/ai/sessions", json={"purpose": key}, headers=headers)
                if answer.status_code != 200:
                    return answer
                position = int(answer.headers["X-Log-Position"].partition(":")[2])
                lines.acknowledge(key, 1, position)
                return answer

            async def go_on() -> None:
                while going_on:
                    answer = await create()
                    told[answer.status_code] += 1
                    if answer.status_code != 200:
                        assert answer.status_code == 503, answer.text
                        assert int(answer.headers["Retry-After"]) >= 1
                        await asyncio.sleep(0.05)

            first = await create()
            path = f"/ai/sessions/{first.json()['id']}"
            others = [asyncio.create_task(go_on()) for _ in range(CLIENTS)]
            fill(filling)
            while (answer := await create()).status_code == 200:
                assert made < 1_000
            assert answer.status_code == 503, answer.text
            assert int(answer.headers["Retry-After"]) >= 1
            assert (await client.get("/health/live")).status_code == 200
            for _ in range(TRIES):
                unready = await client.get("/health/ready")
                assert unready.status_code == 503, unready.text
                await client.get(path)
            filling.unlink()
            acknowledged = told[200]
            async with asyncio.timeout(patient(AGAIN_S)):
                while (await client.get("/health/ready")).status_code != 200:
                    await asyncio.sleep(0.05)
                while told[200] < acknowledged + CLIENTS:
                    await asyncio.sleep(0.05)
            going_on = False
            await asyncio.gather(*others)
            assert told[503] >= CLIENTS
            assert (await client.get(path)).content == first.content
            assert (await create()).status_code == 200
    key_file = tmp_path / "master.key"
    where = DataLocation(database_url=small.url(), data_dir=tmp_path, master_key_file=key_file)
    found = differences(read_ledger(book), await read_log(small.url(), where))
    assert [each for each in found if "never answered" not in each] == []
    verified = await asyncio.to_thread(service.command, "verify", "--allow-unsafe-database")
    assert verified.returncode == 0, verified.stdout + verified.stderr


def fill(path: Path) -> None:
    """Leave no room on a disk."""
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 65_536)
        except OSError:
            return
