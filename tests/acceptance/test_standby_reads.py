"""`serve --read-url`: lists, past moments and audits come from a hot standby, none is too old."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import msgspec
import pytest
from msgspec import Struct
from support.clusters import OwnCluster, own_cluster
from support.database import logins, write_master_key
from support.pairs import READS, Pairs
from support.patience import patient
from support.service_process import ADMIN, ServiceProcess, data_directory, end
from support.streaming import Streaming

PAIRS = 100
WORKERS = 2
STILL_S = 0.3
"""For so long the standby takes nothing over, and then so long all that comes."""
READ = "sessionary_standby_reads_total"


class Served(Struct, frozen=True):
    """A service, and its two servers."""

    service: ServiceProcess
    servers: Streaming


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """The service of two workers; its standby was there before the log."""
    with ExitStack() as stack:
        primary, standby = (stack.enter_context(own_cluster()) for _ in range(2))
        primary.create()
        stack.enter_context(primary.started())
        standby.copy_of(primary)
        stack.enter_context(standby.started())
        folder = stack.enter_context(data_directory())
        key_file = folder / "master.key"
        write_master_key(key_file)
        service = ServiceProcess(
            folder / "data",
            *logins(primary.url()),
            f"--read-url={standby.url(user='sessionary_service')}",
            f"--master-key-file={key_file}",
            f"--workers={WORKERS}",
            "--allow-unsafe-database",
        )
        stack.callback(end, service)
        service.start()
        service.wait_for_all(WORKERS)
        yield Served(service, Streaming(primary, standby))


def counted(service: ServiceProcess) -> dict[str, float]:
    """What became of the reads, in all workers, by result."""
    told = httpx.get(f"{service.base_url}/metrics", auth=ADMIN).text.splitlines()
    found = [line.removeprefix(READ).split() for line in told if line.startswith(READ)]
    return {labels.split('"')[1]: float(value) for labels, value in found}


async def stand_still(servers: Streaming) -> None:
    while True:
        async with servers.paused():
            await asyncio.sleep(STILL_S)
        await asyncio.sleep(STILL_S)


@pytest.mark.parametrize("stops", [False, True], ids=["that follows", "that stops again and again"])
async def test_no_read_from_a_standby_is_older_than_the_write_before(
    served: Served, stops: bool
) -> None:
    before = counted(served.service)
    pairs = Pairs(served.service.base_url, PAIRS // 2, "still" if stops else "following")
    stopping = asyncio.create_task(stand_still(served.servers)) if stops else None
    try:
        await pairs.work()
    finally:
        if stopping is not None:
            stopping.cancel()
            await asyncio.gather(stopping, return_exceptions=True)
    after = counted(served.service)
    assert pairs.older == []
    assert pairs.read.total() == PAIRS // 2
    assert set(pairs.read) == set(READS)
    assert after["answered"] > before.get("answered", 0)


def told(served: Served, *command: str) -> Any:
    """What a command prints as JSON."""
    url = served.servers.standby.url(user="sessionary_service")
    ended = served.service.command(
        *command, "--output=json", f"--read-url={url}", "--allow-unsafe-database"
    )
    assert ended.returncode in (0, 1), ended.stderr
    return msgspec.json.decode(ended.stdout)


def ready_once(served: Served, standby: str) -> None:
    """Return when a worker says so of its standby; all along, the service is ready."""
    deadline = time.monotonic() + patient(30.0)
    while True:
        answer = httpx.get(f"{served.service.base_url}/health/ready?verbose")
        assert answer.status_code == 200, answer.text
        if answer.json()["parts"]["standby"] == standby:
            return
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.1)


@contextmanager
def stopped(server: OwnCluster) -> Iterator[None]:
    """Not running for as long as the block lasts."""
    server.run("pg_ctl", "stop", "-m", "immediate", "-D", str(server.files))
    try:
        yield
    finally:
        log = str(server.folder / "log")
        server.run("pg_ctl", "restart", "-w", "-D", str(server.files), "-l", log)


def test_a_dead_standby_is_told_and_leaves_the_service_ready(served: Served) -> None:
    ready_once(served, "well")
    assert told(served, "status")["standby"]["state"] == "read"
    shown = httpx.get(f"{served.service.base_url}/metrics", auth=ADMIN).text
    assert 'sessionary_standby{state="read"} 1.0' in shown
    with stopped(served.servers.standby):
        for _ in range(2 * WORKERS):
            listed = httpx.get(
                f"{served.service.base_url}/ai/sessions", auth=ADMIN, timeout=patient(30.0)
            )
            assert listed.status_code == 200
            assert listed.json()["items"]
        ready_once(served, "wrong")
        assert told(served, "status")["standby"]["state"] == "away"
        checks = {each["check"]: each["state"] for each in told(served, "doctor")["checks"]}
        assert checks["standby"] == "warning"
        assert "The standby is not read: " in served.service.log
    ready_once(served, "well")
