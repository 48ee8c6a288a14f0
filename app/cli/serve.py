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
from app.maintenance.password_file import FIRST_FILE, keep_password
from app.maintenance.store import (
    Connection,
    DataLocation,
    NotReachable,
    SchemaPermission,
    connected,
    database,
    prepare,
)
from app.settings import Setting, Settings

_CLOSING_S = 5
"""Seconds for a worker to end in after its last answer."""
_HEAD_S = 5
"""Seconds for the whole head of a request; an idle connection is closed after them."""
_MAX_CONNECTIONS = 4_096
"""Connections of one worker; further ones wait until one closes. Each takes some kilobytes."""
_OTHER_FILES = 128
"""Files that a worker has open beside its connections, at most."""
_ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": "1048576", "MALLOC_TRIM_THRESHOLD_": "33554432"}
"""For workers on glibc, whose allocator otherwise keeps the 19 MiB that a password check took."""
_LOOK_S = 0.02
"""Seconds between two checks whether a worker already takes connections."""
_PORT_PATIENCE_S = 5.0
"""Seconds to wait for the port: if a service is killed, its starting workers hold it briefly."""


_LINES = "%(levelname)s - %(asctime)s - %(name)s - %(message)s"
_LOGGING = {
    "formatters": {"line": {"format": _LINES}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {},
    "root": {"handlers": ["stderr"], "level": "INFO"},
}
"""The server's messages go to stderr with a time, like all messages of a worker."""


Say = Callable[[str], None]
"""Prints a sentence for the operator."""


class Listen(Struct, frozen=True, kw_only=True):
    """The address to serve on, and the number of worker processes."""

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
    """Serve until a signal ends it; `options` are the Settings that `where` does not give.

    Raises NotReachable when the address or its port is not available, ServerEnded.
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
            # prometheus_client reads this on its first import, in the workers.
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
        await _ensure_administrator(store, where, administrator, say)
    return key


async def _ensure_administrator(
    store: Connection, where: DataLocation, administrator: Administrator, say: Say
) -> None:
    """Make sure that there is a user, and that no first password outlives its use."""
    file = where.data_dir / FIRST_FILE
    if await users.everybody(store):
        if administrator.password:
            say(
                "The administrator's password that was given is not used: there are users already "
                "(`sessionary users passwd NAME` changes a password)"
            )
        if file.exists() and not await users.anybody_has_to_change(store):
            file.unlink()
        return
    generated = await users.ensure_administrator(
        store, administrator.name, administrator.password, partial(keep_password, file)
    )
    if generated is not None:
        say(f"Created the administrator {administrator.name}: the password is in {file}")
        say(f"Change it before anything else: `sessionary users passwd {administrator.name}`")


async def _require_service(settings: Settings) -> None:
    """Open and close each worker's resources once, so that a fault is reported once, and here."""
    await (await open_log(settings)).pool.close()


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _free_address(listen: Listen) -> str:
    """The address that a host's name resolves to, once its port is free.

    The server shares its port among workers (SO_REUSEPORT), and would share it with a stranger.
    """
    deadline = time.monotonic() + _PORT_PATIENCE_S
    while True:
        try:
            family, kind, _, _, address = socket.getaddrinfo(
                listen.host, listen.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            with socket.socket(family, kind) as probe:
                # Waiting connections of a former service do not block the port.
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
    # A worker starts afresh: it inherits no locks of this process, and finds the environment set.
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
        # HTTP/2 would bring limits of its own, and no browser speaks it without TLS.
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=_HEAD_S * 1000),
        backpressure=_most_connections(),
        websockets=False,
        log_access=False,
        # A worker waits for a client that stopped in the middle of a body until its time is up.
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
        # A worker that obeys Ctrl-C before its parent does counts as a failure there.
        if ended.code and not server.interrupt_signal:
            raise ServerEnded(
                "A worker process failed again as soon as it was replaced: see the log above"
            ) from ended


def _most_connections() -> int:
    """A worker's connections; raises this process's, and so its workers', file limit to fit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MAX_CONNECTIONS + _OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY:
        return _MAX_CONNECTIONS
    return max(_OTHER_FILES, min(_MAX_CONNECTIONS, soft - _OTHER_FILES))


class _Respawned(dict[int, float]):
    """The time of each worker's last replacement; the server gives up if one fails soon after.

    The server would forget the others at each replacement: two workers that fail in turn would then
    be replaced for ever.
    """

    def clear(self) -> None:
        """Keep all times."""


def _say_when_it_serves(address: str, listen: Listen, say: Say) -> None:
    """Announce the service once a worker takes connections: by then it has opened the database."""

    def look() -> None:
        while True:
            with suppress(OSError), socket.create_connection((address, listen.port), _LOOK_S):
                break
            time.sleep(_LOOK_S)
        say(f"Serving on http://{_in_url(listen.host)}:{listen.port}")

    threading.Thread(target=look, name="serving", daemon=True).start()
