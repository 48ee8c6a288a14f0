"""`serve`: migrates, then serves HTTP with one or more worker processes."""

import asyncio
import errno
import math
import multiprocessing
import os
import resource
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from msgspec import Struct
from msgspec.structs import replace

from app.cli.exit_codes import ServerEnded
from app.cli.interrupts import end_by_signals
from app.cli.metrics_folder import metrics_folder
from app.cli.worker import load
from app.integrity.guards import changed_collations
from app.log.log import open_log
from app.maintenance import users
from app.maintenance.store import (
    DataLocation,
    NotReachable,
    SchemaPermission,
    connected,
    database,
    prepare,
)
from app.settings import Setting, Settings

_CLOSING_S = 5
"""For a worker to end in, once the last request was answered."""
_HEAD_S = 5
"""Within this the head of a request has to come whole; an idle connection is closed after it."""
_MAX_CONNECTIONS = 4_096
"""Of a worker; more wait until one is closed. Each takes some kilobytes."""
_OTHER_FILES = 128
"""What a worker has open beside its connections, at most."""
_ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": "1048576", "MALLOC_TRIM_THRESHOLD_": "33554432"}
"""Of workers, where it is glibc's. By itself it keeps the 19 MiB that checking a password took."""
_LOOK_S = 0.02
"""How often it is tried whether a worker takes connections already."""
_PORT_PATIENCE_S = 5.0
"""Workers of a service that was killed while they were starting hold its port for a moment."""


_LINES = "%(levelname)s - %(asctime)s - %(name)s - %(message)s"
_LOGGING = {
    "formatters": {"line": {"format": _LINES}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {},
    "root": {"handlers": ["stderr"], "level": "INFO"},
}
"""What the server says is talk, and has a time, as all that a worker says of itself."""


Say = Callable[[str], None]
"""Tells the operator a sentence."""


class Listen(Struct, frozen=True, kw_only=True):
    """Where and with how many processes to serve."""

    host: str
    port: int
    workers: int


class Administrator(Struct, frozen=True):
    """The first administrator of an empty database; without a password one is generated."""

    name: str
    password: str | None


def serve(
    where: DataLocation,
    listen: Listen,
    administrator: Administrator,
    say: Say,
    **options: Setting,
) -> None:
    """Serve until told to stop; `options` are those of Settings that `where` does not give.

    Raises NotReachable when the address or its port is not to be had, ServerEnded.
    """
    address = _free_address(listen)
    with database(where, SchemaPermission.MIGRATE) as url:
        key = asyncio.run(_prepare(url, where, administrator, say))
        settings = where.settings(url, key, **options)
        asyncio.run(_require_service(settings))
        say(f"Starting {listen.workers} worker{'s' if listen.workers > 1 else ''}")
        if listen.workers == 1:
            _run(address, listen, settings, say)
            return
        with metrics_folder() as folder:
            # prometheus_client reads it when it is first imported, in the workers.
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
            _run(address, listen, replace(settings, metrics_folder=folder), say)


async def _prepare(url: str, where: DataLocation, administrator: Administrator, say: Say) -> bytes:
    say("Checking the schema")
    applied, key = await prepare(url, where, SchemaPermission.MIGRATE)
    for name in applied:
        say(f"Applied migration {name}")
    async with connected(url, where.statement_cache) as store:
        for changed in await changed_collations(store):
            say(changed)
        password = await users.ensure_administrator(
            store, administrator.name, administrator.password
        )
    if password is not None:
        say(f"Created the administrator {administrator.name} with the password {password}")
        say("It is shown this once.")
    return key


async def _require_service(settings: Settings) -> None:
    """Open and close what each worker opens: what is wrong with it is said once, and here."""
    await (await open_log(settings)).pool.close()


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _free_address(listen: Listen) -> str:
    """The address that a host's name stands for, on which the port is free.

    The server shares its port among workers (SO_REUSEPORT), and so also with a stranger.
    """
    deadline = time.monotonic() + _PORT_PATIENCE_S
    while True:
        try:
            family, kind, _, _, address = socket.getaddrinfo(
                listen.host, listen.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            with socket.socket(family, kind) as probe:
                # Connections that a former service left waiting are in nobody's way.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
            return str(address[0])
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise NotReachable(
                    f"Cannot listen on {listen.host}, port {listen.port}: {error.strerror}"
                ) from error
            time.sleep(0.1)


def _run(address: str, listen: Listen, settings: Settings, say: Say) -> None:
    # A worker starts afresh: it takes over no locks of this process, and finds the environment set.
    multiprocessing.set_start_method("spawn")
    for name, value in _ALLOCATOR.items():
        os.environ.setdefault(name, value)
    server = Granian(
        "app.main:create_server",
        address=address,
        port=listen.port,
        workers=listen.workers,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        # HTTP/2 would come with limits of its own, and no browser speaks it without TLS.
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=_HEAD_S * 1000),
        backpressure=_most_connections(),
        websockets=False,
        log_access=False,
        # A client that stopped in the middle of a body is waited for until its time is up.
        workers_kill_timeout=math.ceil(settings.body_deadline_s) + _CLOSING_S,
        log_dictconfig=_LOGGING,
        respawn_failed_workers=True,
        process_name=None,
    )
    server.respawned_wrks = _Respawned()
    end_by_signals(server)
    server.on_startup(partial(_say_when_it_serves, address, listen, say))
    try:
        server.serve(target_loader=partial(load, settings), wrap_loader=False)
    except SystemExit as ended:
        # A worker that obeys Ctrl-C sooner than its parent does counts as a failure there.
        if ended.code and not server.interrupt_signal:
            raise ServerEnded(
                "A worker process failed again as soon as it was replaced: see the log above"
            ) from ended


def _most_connections() -> int:
    """How many a worker may hold; this process, and so its workers, may open as many files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MAX_CONNECTIONS + _OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY:
        return _MAX_CONNECTIONS
    return max(_OTHER_FILES, min(_MAX_CONNECTIONS, soft - _OTHER_FILES))


class _Respawned(dict[int, float]):
    """When each worker was replaced last; the server gives up if one fails soon after.

    It would forget the others at each replacement: two that fail in turn would do so for ever.
    """

    def clear(self) -> None:
        """Keep all."""


def _say_when_it_serves(address: str, listen: Listen, say: Say) -> None:
    """Say so once a worker takes connections: it has opened the database before."""

    def look() -> None:
        while True:
            with suppress(OSError), socket.create_connection((address, listen.port), _LOOK_S):
                break
            time.sleep(_LOOK_S)
        say(f"Serving on http://{_in_url(listen.host)}:{listen.port}")

    threading.Thread(target=look, name="serving", daemon=True).start()
