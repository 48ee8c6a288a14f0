"""The database's processes stand still: no more backends than places, and nothing is lost.

SESSIONARY_FAULT_FROZEN_S says for how long: a few seconds in a normal run.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx
import pytest
from support.clusters import PORT, ROLE, OwnCluster, own_cluster
from support.database import logins, write_master_key
from support.ledger import differences, read_ledger, read_log
from support.load import load
from support.patience import patient
from support.service_process import ADMIN, ServiceProcess, end, no_difference
from support.service_process import service as running_service

from app.maintenance.store import DataLocation
from app.settings import Settings

FROZEN_S = float(os.environ.get("SESSIONARY_FAULT_FROZEN_S", "4"))
CALLERS = 8
WORKERS = 2
_SETTINGS = Settings(database_url="", master_key=b"")
PLACES = WORKERS * (_SETTINGS.pool_size + _SETTINGS.list_pool_size + 2)
"""With those that look after statements which were given up: one for lists, one for all others."""
BACKENDS = """
SELECT pid
  FROM pg_stat_activity
 WHERE starts_with(application_name, 'sessionary ')
"""


class Backends:
    """The service's, as they come."""

    def __init__(self) -> None:
        """Nobody has looked."""
        self.most = 0
        self.stopping = False
        self.stopped: set[int] = set()

    async def look(self, owner: asyncpg.Connection) -> None:
        """Count them again and again; those that are there are stopped, if they are to be."""
        while True:
            pids = [row["pid"] for row in await owner.fetch(BACKENDS)]
            self.most = max(self.most, len(pids))
            if self.stopping:
                tell(pids, signal.SIGSTOP)
                self.stopped |= set(pids)
            await asyncio.sleep(0.005)


@asynccontextmanager
async def counted(url: str) -> AsyncIterator[Backends]:
    """The service's backends on a server, for as long as the block lasts."""
    owner = await asyncpg.connect(url)
    backends = Backends()
    looking = asyncio.create_task(backends.look(owner))
    try:
        yield backends
        assert not looking.done(), looking
    finally:
        tell(backends.stopped, signal.SIGCONT)
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
        owner.terminate()


def tell(pids: Sequence[int] | set[int], what: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, what)


@contextmanager
def frozen(pids: Sequence[int]) -> Iterator[None]:
    """Processes that stand still for as long as the block lasts."""
    tell(pids, signal.SIGSTOP)
    try:
        yield
    finally:
        tell(pids, signal.SIGCONT)


@asynccontextmanager
async def at_work(service: ServiceProcess, book: Path) -> AsyncIterator[None]:
    """Callers who write, and more who read; at the end both are answered again."""
    async with (
        load(service.base_url, book, CALLERS, uuid4().hex) as work,
        readers(service) as reads,
    ):
        await work.acknowledge_more(CALLERS)
        yield
        await work.acknowledge_more(4 * CALLERS)
        await reads.wait()
    assert work.broken == []


@asynccontextmanager
async def readers(service: ServiceProcess) -> AsyncIterator[asyncio.Barrier]:
    """Callers who read; who waits at the barrier waits until each was answered once more."""
    paths = [f"/ai/sessions/{uuid4()}"] * (2 * CALLERS) + ["/api/v1/ChatSession", "/accounts"]
    once_more = asyncio.Barrier(len(paths) + 1)

    async def read(client: httpx.AsyncClient, path: str) -> None:
        while once_more.n_waiting == 0:
            assert (await client.get(path)).status_code in (200, 404, 503, 400)
        while (await client.get(path)).status_code not in (200, 404):
            await asyncio.sleep(0.05)
        await once_more.wait()

    async with (
        httpx.AsyncClient(base_url=service.base_url, auth=ADMIN, timeout=patient(60.0)) as client,
        asyncio.timeout(patient(120.0)),
        asyncio.TaskGroup() as group,
    ):
        for path in paths:
            group.create_task(read(client, path))
        yield once_more


@pytest.fixture(scope="module")
def service() -> Iterator[ServiceProcess]:
    """A service of several workers, whose chats nobody sweeps away."""
    with running_service(f"--workers={WORKERS}", "--customer-timeout=0") as started:
        yield started


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ledger of what the service's clients ask for."""
    return tmp_path_factory.mktemp("ledger") / "book"


async def assert_nothing_is_lost(service: ServiceProcess, book: Path) -> None:
    where = DataLocation(database_url=None, data_dir=service.data_dir)
    assert differences(read_ledger(book), await read_log(service.database_url, where)) == []
    assert await asyncio.to_thread(no_difference, service) == []


async def test_the_whole_server(service: ServiceProcess, book: Path) -> None:
    async with counted(service.database_url) as backends, at_work(service, book):
        with frozen([process.pid for process in service.servers()]):
            await asyncio.sleep(FROZEN_S)
    assert 0 < backends.most <= PLACES
    await assert_nothing_is_lost(service, book)


async def test_each_backend_that_the_service_has(service: ServiceProcess, book: Path) -> None:
    """As on a disk that does not answer: who connects again hangs again."""
    async with counted(service.database_url) as backends, at_work(service, book):
        backends.stopping = True
        await asyncio.sleep(2 * FROZEN_S)
        backends.stopping = False
        tell(backends.stopped, signal.SIGCONT)
    # (In each worker, one that goes on may still be at its end when the next one is counted.)
    assert 0 < backends.most <= PLACES + WORKERS
    await assert_nothing_is_lost(service, book)


@pytest.fixture
def pair() -> Iterator[tuple[OwnCluster, OwnCluster]]:
    """A primary, and the standby that has whatever it commits."""
    with own_cluster() as primary, own_cluster() as standby:
        primary.create()
        with primary.started():
            standby.copy_of(primary)
            with standby.started():
                primary.say("ALTER SYSTEM SET synchronous_standby_names = '*'")
                primary.say("SELECT pg_reload_conf()")
                yield primary, standby


@pytest.mark.parametrize("hangs", [True, False], ids=["hangs", "runs on"])
async def test_a_primary_whose_standby_takes_over(
    pair: tuple[OwnCluster, OwnCluster], tmp_path: Path, hangs: bool
) -> None:
    primary, standby = pair
    key_file, book = tmp_path / "master.key", tmp_path / "book"
    write_master_key(key_file)
    folders = f"{primary.folder},{standby.folder}"
    service = ServiceProcess(
        tmp_path / "data",
        *logins(f"postgresql://{ROLE}@/postgres?host={folders}&port={PORT},{PORT}"),
        f"--master-key-file={key_file}",
        "--allow-unsafe-database",
        f"--workers={WORKERS}",
    )
    with ExitStack() as stack:
        stack.callback(lambda: tell(primary.processes(), signal.SIGCONT))
        stack.callback(end, service)  # before that: what the primary was may not come back
        await asyncio.to_thread(service.start)
        await asyncio.to_thread(service.wait_for_all, WORKERS)
        async with counted(standby.url()) as backends, at_work(service, book):
            if hangs:  # else it takes connections, and commits that wait for ever
                tell(primary.processes(), signal.SIGSTOP)
            await asyncio.to_thread(standby.run, "pg_ctl", "promote", "-D", str(standby.files))
        assert 0 < backends.most <= PLACES
        async with asyncio.timeout(patient(30.0)):
            while service.log.count("The primary is ") < WORKERS:
                await asyncio.sleep(0.05)
        assert service.log.count("The primary is ") == WORKERS
        where = DataLocation(
            database_url=standby.url(), data_dir=tmp_path, master_key_file=key_file
        )
        assert differences(read_ledger(book), await read_log(standby.url(), where)) == []
