"""Failovers by Patroni under load: nothing acknowledged is lost or doubled, and writes go on.

SESSIONARY_FAULT_FAILOVERS says how many of each kind: one in a normal run. The key of a lost leader
expires early then; in longer runs, each second failover waits for that.
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import pytest
from support.database import logins, write_master_key
from support.kills import CLIENTS
from support.ledger import differences, read_ledger, read_log
from support.load import PATIENCE_S, Load, load
from support.patience import patient
from support.patroni import Patroni, missing, patroni
from support.patroni_node import Node
from support.service_process import ADMIN, ServiceProcess, data_directory, end, no_difference

from app.maintenance.store import DataLocation

FAILOVERS = int(os.environ.get("SESSIONARY_FAULT_FAILOVERS", "1"))
WORKERS = 2
BACK_S = 2.0
"""Within this, commands are answered again once Patroni has promoted a standby."""
BETWEEN = CLIENTS
"""Commands that are answered before each failover, at least."""
FOLLOWED_S = 30.0
WAITS_S = 2.0
"""For so long no standby answers."""

pytestmark = pytest.mark.skipif(missing() is not None, reason=missing() or "")


@pytest.fixture(scope="module")
async def cluster() -> AsyncIterator[Patroni]:
    """Three nodes."""
    async with patroni() as made:
        yield made


@pytest.fixture(scope="module")
async def service(cluster: Patroni) -> AsyncIterator[ServiceProcess]:
    """A service that is told all three."""
    with data_directory() as folder:
        key_file = folder / "master.key"
        write_master_key(key_file)
        started = ServiceProcess(
            folder / "data",
            *logins(cluster.url),
            f"--master-key-file={key_file}",
            f"--workers={WORKERS}",
            "--customer-timeout=0",
        )
        try:
            await asyncio.to_thread(started.start)
            yield started
        finally:
            await asyncio.to_thread(end, started)


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ledger of what the service's clients ask for."""
    return tmp_path_factory.mktemp("ledger") / "book"


async def switched(cluster: Patroni, leader: Node, early: bool) -> None:
    await cluster.switch_over()


async def server_killed(cluster: Patroni, leader: Node, early: bool) -> None:
    leader.kill_server()


async def patroni_killed(cluster: Patroni, leader: Node, early: bool) -> None:
    """The old primary runs on, and nobody tells it."""
    leader.kill_patroni()
    if early:
        await cluster.expire()


async def frozen(cluster: Patroni, leader: Node, early: bool) -> None:
    leader.freeze()
    if early:
        await cluster.expire()


async def cut_off(cluster: Patroni, leader: Node, early: bool) -> None:
    """From etcd and the standbys, but not from the service."""
    leader.cut_off()
    if early:
        await cluster.expire()


Fault = Callable[[Patroni, Node, bool], Awaitable[None]]
FAULTS = (switched, server_killed, patroni_killed, frozen, cut_off)


async def fail_over(
    cluster: Patroni, work: Load, fault: Fault, *, early: bool
) -> tuple[float, float]:
    """Seconds until Patroni has promoted another node, and from then until commands go on."""
    leader, _ = await cluster.synchronous()
    before = await cluster.written(leader)
    await work.acknowledge_more(BETWEEN)
    work.slowest_s = 0.0
    broken = time.monotonic()
    await fault(cluster, leader, early)
    await cluster.promoted(before)
    promoted = time.monotonic()
    try:
        # (What was under way on the old primary is not acknowledged: it waits for a standby.)
        await work.acknowledge_more(1)
        return promoted - broken, time.monotonic() - promoted
    finally:
        if fault is patroni_killed:
            leader.start()
        leader.go_on()


async def test_failovers_lose_and_double_nothing(
    cluster: Patroni, service: ServiceProcess, book: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    late = []
    async with load(service.base_url, book, CLIENTS, "failovers") as work:
        for nth in range(FAILOVERS):
            for fault in FAULTS:
                early = nth % 2 == 0
                took = await fail_over(cluster, work, fault, early=early)
                told = _told(nth, fault, took, work)
                with capsys.disabled():  # for a person who runs many
                    sys.stdout.write(f"\n{told}")
                if took[1] >= patient(BACK_S) or work.slowest_s >= patient(PATIENCE_S):
                    late.append(told)
        await work.acknowledge_more(BETWEEN)
    await assert_all_is_there(cluster, service, book)
    assert work.broken == []
    assert late == []


def _told(nth: int, fault: Fault, took: tuple[float, float], work: Load) -> str:
    return (
        f"{nth + 1}: {fault.__name__}: promoted after {took[0]:.2f} s, back {took[1]:.2f} s later; "
        f"{work.acknowledged} acknowledged so far, {work.replayed} of them replayed; "
        f"slowest answer {work.slowest_s:.2f} s; {dict(work.answers)}"
    )


async def assert_all_is_there(cluster: Patroni, service: ServiceProcess, book: Path) -> None:
    """What was acknowledged is in the log, once; views and followers have all of it."""
    where = DataLocation(
        database_url=cluster.url,
        data_dir=service.data_dir,
        master_key_file=service.data_dir.parent / "master.key",
    )
    await cluster.synchronous()
    assert differences(read_ledger(book), await read_log(cluster.url, where)) == []
    deadline = time.monotonic() + patient(FOLLOWED_S)
    async with httpx.AsyncClient(
        base_url=service.base_url, auth=ADMIN, timeout=patient(30.0)
    ) as client:
        while behind := await _behind(client):
            assert time.monotonic() < deadline, behind
            await asyncio.sleep(0.1)
    assert await asyncio.to_thread(no_difference, service) == []


async def _behind(client: httpx.AsyncClient) -> list[str]:
    """The views and followers, the tree's one among them, that are not at the log's end."""
    answer = await client.get("/ops/projections", headers={"Accept": "application/json"})
    if answer.status_code != 200:
        return [answer.text]
    found = answer.json()["projections"]
    assert "tree" in {each["name"] for each in found}
    return [each["name"] for each in found if each["lagEvents"]]


async def test_commits_wait_in_vain_for_standbys_that_stand_still(
    cluster: Patroni, service: ServiceProcess, book: Path
) -> None:
    leader, _ = await cluster.synchronous()
    standbys = [node for node in cluster.nodes if node is not leader]
    async with load(service.base_url, book, CLIENTS, "waits") as work:
        await work.acknowledge_more(BETWEEN)
        for node in standbys:
            node.freeze_server()
        # What is on its way here may still be answered; after that nothing is.
        await asyncio.sleep(WAITS_S)
        before = work.acknowledged
        await asyncio.sleep(WAITS_S)
        waited = work.acknowledged - before
        for node in standbys:
            node.go_on()
        await work.acknowledge_more(BETWEEN)
    assert waited == 0
    assert work.answers["503"]
    assert work.broken == []
    assert work.slowest_s < patient(PATIENCE_S)
    await assert_all_is_there(cluster, service, book)
