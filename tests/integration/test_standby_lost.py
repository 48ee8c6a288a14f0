"""A standby that fails in any way costs a bounded wait once; the primary answers in its place."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from msgspec.structs import replace
from support.clusters import OwnCluster
from support.patience import patient
from support.reads import Counted
from support.streaming import Streaming, streaming, with_log

from app.database.errors import TooSlow
from app.log.standby_reading import reading
from app.maintenance.standby import refuse_unfit
from app.maintenance.urls import UnusableDatabase
from app.service import Service, open_service
from app.settings import Settings

ON_STANDBY = "SELECT pg_is_in_recovery() AS there"
SLEEPS = "SELECT pg_is_in_recovery() AS there, CASE WHEN pg_is_in_recovery() THEN pg_sleep(60) END"
HOLDS = f"{SLEEPS} FROM log_partition"
"""It holds a snapshot meanwhile, which recovery may have to break."""


@pytest.fixture(scope="module")
def primary() -> Iterator[OwnCluster]:
    with with_log() as made:
        yield made


@pytest.fixture(scope="module")
def servers(primary: OwnCluster) -> Iterator[Streaming]:
    with streaming(primary) as both:
        yield both


@asynccontextmanager
async def served(settings: Settings) -> AsyncIterator[Service]:
    """The resources of a worker that has looked at its standby once, and does not look again."""
    service = await open_service(settings)
    assert service.standby is not None
    await service.standby.look()
    try:
        yield service
    finally:
        await service.close()


async def found_well(service: Service) -> None:
    """Look until the standby can be read."""
    assert service.standby is not None
    async with asyncio.timeout(patient(30.0)):
        while service.standby.standing.state != "read":
            await service.standby.look()
            await asyncio.sleep(0.01)


async def asked(service: Service, statement: str) -> bool:
    """Whether the standby answers a request of one statement."""
    assert service.standby is not None
    async with reading(service.standby, {}) as reads:
        (row,) = await reads.instead_of(service.pool).ask(statement)
    return bool(row["there"])


async def begun(servers: Streaming) -> int:
    """The backend that sleeps on the standby, once there is one."""
    async with servers.on(servers.standby) as owner, asyncio.timeout(patient(30.0)):
        while True:
            rows = await owner.fetch(
                "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
            )
            if rows:
                (row,) = rows
                return int(row["pid"])
            await asyncio.sleep(0.01)


@pytest.fixture(autouse=True)
async def _nobody_sleeps_on(servers: Streaming) -> AsyncIterator[None]:
    """What is given up goes on there for a while."""
    yield
    async with servers.on(servers.standby) as owner:
        await owner.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE wait_event = 'PgSleep'"
        )


async def test_a_statement_that_is_cancelled_is_asked_of_the_primary(servers: Streaming) -> None:
    async with served(servers.settings) as service:
        assert await asked(service, ON_STANDBY)
        counted, asking = Counted(), asyncio.create_task(asked(service, SLEEPS))
        backend = await begun(servers)
        async with servers.on(servers.standby) as owner:
            await owner.execute("SELECT pg_cancel_backend($1)", backend)
        assert not await asking
        assert counted.results == {"answered": 1.0, "failed": 1.0}
        assert await asked(service, ON_STANDBY)  # as before


async def test_a_statement_in_the_way_of_recovery_is_asked_of_the_primary(
    servers: Streaming,
) -> None:
    async with (
        served(servers.settings) as service,
        servers.on(servers.primary) as owner,
        servers.on(servers.standby) as impatient,
    ):
        await impatient.execute("ALTER SYSTEM SET max_standby_streaming_delay = 0")
        await impatient.execute("SELECT pg_reload_conf()")
        asking = asyncio.create_task(asked(service, HOLDS))
        await begun(servers)
        await owner.execute("CREATE TABLE swept AS SELECT generate_series(1, 1000) AS n")
        await owner.execute("DELETE FROM swept")
        async with asyncio.timeout(patient(30.0)):
            while not asking.done():
                await owner.execute("VACUUM swept")
                await owner.execute("UPDATE swept SET n = n")
                await asyncio.sleep(0.01)
        assert not asking.result()
        assert service.standby is not None
        assert service.standby.standing.state == "read"


async def test_a_list_that_takes_the_standby_too_long_is_too_slow(servers: Streaming) -> None:
    """The primary would take as long."""
    async with served(replace(servers.settings, list_deadline_s=0.2)) as service:
        with pytest.raises(TooSlow):
            await asked(service, SLEEPS)


async def test_a_request_that_is_given_up_leaves_no_statement_behind(servers: Streaming) -> None:
    async with served(replace(servers.settings, read_pool_size=1)) as service:
        asking = asyncio.create_task(asked(service, SLEEPS))
        await begun(servers)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        assert await asked(service, ON_STANDBY)  # its place is free


async def test_readers_beyond_its_connections_read_from_the_primary(servers: Streaming) -> None:
    settings = replace(servers.settings, read_pool_size=1, read_wait_s=0.3)
    async with served(settings) as service:
        await found_well(service)
        counted, asking = Counted(), asyncio.create_task(asked(service, SLEEPS))
        await begun(servers)
        assert not await asked(service, ON_STANDBY)
        assert counted.results.get("busy") == 1.0
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)


async def test_one_that_is_killed_is_not_asked_until_it_is_found_well(servers: Streaming) -> None:
    async with served(servers.settings) as service:
        assert service.standby is not None
        asking = asyncio.create_task(asked(service, SLEEPS))
        backend = await begun(servers)
        async with servers.on(servers.standby) as owner:
            await owner.execute("SELECT pg_terminate_backend($1)", backend)
        assert not await asking
        assert service.standby.standing.state == "away"
        counted = Counted()
        assert not await asked(service, ON_STANDBY)
        assert counted.results == {"away": 1.0}
        await service.standby.look()
        assert await asked(service, ON_STANDBY)


async def test_one_that_stands_still_costs_a_bounded_wait_and_then_nothing(
    servers: Streaming,
) -> None:
    wait_s = patient(0.5)
    async with served(replace(servers.settings, read_wait_s=wait_s)) as service:
        assert service.standby is not None
        asking = asyncio.create_task(asked(service, SLEEPS))
        await begun(servers)
        stopped = servers.standby.processes()
        for process in stopped:
            os.kill(process, signal.SIGSTOP)
        try:
            since = time.monotonic()
            assert not await asking
            # (The statement's own look, and the request that waits for the same one.)
            assert time.monotonic() - since < 4 * wait_s
            since = time.monotonic()
            assert not await asked(service, ON_STANDBY)
            assert time.monotonic() - since < wait_s
            await service.standby.look()
            assert service.standby.standing.state == "away"
        finally:
            for process in stopped:
                os.kill(process, signal.SIGCONT)
        await found_well(service)
        assert await asked(service, ON_STANDBY)


async def test_the_standby_of_another_log_is_refused_and_not_read(
    servers: Streaming, settings: Settings
) -> None:
    """`settings`: of another log, on another server."""
    other = replace(settings, read_url=servers.standby.url(), read_wait_s=10.0)
    async with served(other) as service:
        assert service.standby is not None
        assert service.standby.standing.reason.endswith("it has another log than the primary")
        assert not await asked(service, ON_STANDBY)
        with pytest.raises(UnusableDatabase, match="it has another log than the primary"):
            await refuse_unfit(other, service.pool)


async def test_one_without_a_log_is_named_and_not_read(
    servers: Streaming, server_url: str, settings: Settings
) -> None:
    async with served(replace(settings, read_url=server_url, read_wait_s=10.0)) as service:
        assert service.standby is not None
        assert "it holds no log, or not all of it yet" in service.standby.standing.reason
        assert not await asked(service, ON_STANDBY)
        told = await refuse_unfit(service.settings, service.pool)
        assert told is not None
        assert "is not read for now" in told


async def test_of_several_hosts_the_next_one_is_read_when_one_is_gone(servers: Streaming) -> None:
    nobody = servers.primary.folder / "nobody"
    url = f"postgresql://postgres@/postgres?host={nobody},{servers.standby.folder}&port=5432,5432"
    async with served(replace(servers.settings, read_url=url)) as service:
        assert not await asked(service, ON_STANDBY)
        assert service.standby is not None
        await service.standby.look()
        assert await asked(service, ON_STANDBY)


async def test_one_that_is_promoted_is_not_read_any_more(primary: OwnCluster) -> None:
    with streaming(primary) as both:
        async with served(both.settings) as service, both.on(both.standby) as owner:
            assert service.standby is not None
            assert await asked(service, ON_STANDBY)
            await owner.execute("SELECT pg_promote()")
            counted = Counted()
            await asked(service, ON_STANDBY)
            assert "answered" not in counted.results
            await service.standby.look()
            assert "it takes writes itself" in service.standby.standing.reason
            # What a reader has at hand there cannot write, though the server would let it.
            connection = await service.standby.pool.connect()
            with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
                await connection.execute("CREATE TABLE public.written ()")
            await connection.close()
