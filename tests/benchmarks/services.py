"""The services under load, each in processes of its own, as in production: one worker."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import httpx
import psutil
from msgspec import Struct

from app.maintenance.store import DataLocation, SchemaPermission, prepare

from . import core_service, plain_service
from .credentials import AUTHORIZATION, PASSWORD, USER
from .measure import BenchmarkFailed
from .session_dto import ACCOUNT_ID, ACCOUNT_NAME
from .stage import Stage, logins, service_url

PORTS = range(8200, 8300)
START_S = 60
STOP_S = 15
_TESTS = Path(__file__).parents[1]


class Service(Struct, frozen=True):
    """A service that answers."""

    pid: int
    base_url: str
    database_url: str | None
    written: Callable[[], int] | None
    """How many changes its log or history holds; None where there is neither."""


@contextmanager
def sessionary(stage: Stage, name: str = "sessionary") -> Iterator[Service]:
    """Ours, by its own command line, with an account to create sessions for.

    `name`: of its folder and of its output, where several run.
    """
    url = stage.new_database("sessionary_http")
    port = free_port()
    command = ("-m", "app.cli.main", "serve", "--port", str(port), *logins(url))
    place = ("--data-dir", str(stage.folder / name))
    secret = {"SESSIONARY_ADMIN_USER": USER, "SESSIONARY_ADMIN_PASSWORD": PASSWORD}
    with _process((*command, *place), secret, port, stage.folder / f"{name}.log") as pid:
        base_url = f"http://127.0.0.1:{port}"
        httpx.post(
            f"{base_url}/accounts",
            json={"id": ACCOUNT_ID, "name": ACCOUNT_NAME},
            headers={"Authorization": AUTHORIZATION},
        ).raise_for_status()
        counted = "SELECT count(*) FROM stored_events"
        yield Service(pid, base_url, url, lambda: _count(url, counted))


@contextmanager
def core(stage: Stage, url: str) -> Iterator[Service]:
    """Our core without a face, on the database of a `sessionary` that runs."""
    where = DataLocation(database_url=url, data_dir=stage.folder / "sessionary")
    _, key = asyncio.run(prepare(url, where, SchemaPermission.LOOK))
    environment = {core_service.DATABASE_URL: service_url(url), core_service.MASTER_KEY: key.hex()}
    port = free_port()
    log = stage.folder / "core_service.log"
    with _process(_granian("core_service", port), environment, port, log) as pid:
        counted = "SELECT count(*) FROM stored_events"
        yield Service(pid, f"http://127.0.0.1:{port}", url, lambda: _count(url, counted))


@contextmanager
def declarative(stage: Stage) -> Iterator[Service]:
    """Peer A."""
    port = free_port()
    log = stage.folder / "declarative.log"
    with _process(_granian("declarative", port), {}, port, log) as pid:
        yield Service(pid, f"http://127.0.0.1:{port}", None, None)


@contextmanager
def plain(stage: Stage) -> Iterator[Service]:
    """Peer B."""
    url = stage.new_database("plain_service")
    asyncio.run(plain_service.set_up(url))
    port = free_port()
    log = stage.folder / "plain_service.log"
    environment = {plain_service.DATABASE_URL: url}
    with _process(_granian("plain_service", port), environment, port, log) as pid:
        counted = plain_service.SQL["written"]
        yield Service(pid, f"http://127.0.0.1:{port}", url, lambda: _count(url, counted))


@contextmanager
def bare(stage: Stage) -> Iterator[Service]:
    """Peer C."""
    port = free_port()
    log = stage.folder / "bare_service.log"
    with _process(_granian("bare_service", port), {}, port, log) as pid:
        yield Service(pid, f"http://127.0.0.1:{port}", None, None)


def _granian(module: str, port: int) -> Sequence[str]:
    """A peer under the same server, with the same options, as ours."""
    server = ("-m", "granian", "--interface", "asgi", "--loop", "uvloop", "--workers", "1")
    options = ("--no-ws", "--no-access-log", "--factory", "--port", str(port))
    return (*server, *options, f"{__package__}.{module}:create_app")


@contextmanager
def _process(
    arguments: Sequence[str], environment: Mapping[str, str], port: int, log: Path
) -> Iterator[int]:
    """A Python process that listens on a port; it and all that it started end with the block."""
    with log.open("wb") as said:
        process = subprocess.Popen(  # this Python, our modules, no shell
            [sys.executable, *arguments],
            cwd=_TESTS,
            env=os.environ | environment,
            stdout=said,
            stderr=subprocess.STDOUT,
        )
        try:
            _await_port(process, port, log)
            yield process.pid
        finally:
            _end(process)


def _await_port(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while not _listens(port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise BenchmarkFailed(f"A service did not start:\n{log.read_text()[-2000:]}")
        time.sleep(0.05)


def _listens(port: int) -> bool:
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    for port in PORTS:
        with socket.socket() as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                server.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise BenchmarkFailed(f"No free port from {PORTS.start} to {PORTS.stop - 1}")


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        started = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        started = []
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for left in psutil.wait_procs(started, timeout=1)[1]:
        left.kill()


def _count(url: str, sql: str) -> int:
    async def ask() -> int:
        connection = await asyncpg.connect(url)
        try:
            count: int = await connection.fetchval(sql)
            return count
        finally:
            await connection.close()

    return asyncio.run(ask())
