"""`serve`: migrates, then serves HTTP with one or more worker processes."""

import asyncio
import logging
import multiprocessing
import os
import resource
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from granian.constants import HTTPModes, Interfaces, Loops, SSLProtocols
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.mp import MPServer, WorkerProcess
from msgspec import Struct
from msgspec.structs import replace

from app.cli.exit_codes import ServerEnded
from app.cli.interrupts import Worker, awake, end_by_signals
from app.cli.listen import Listen, free_address, hosts
from app.cli.metrics_folder import metrics_folder
from app.cli.options import Given
from app.cli.talk import say
from app.cli.worker import load
from app.codecs.hosts import host_of, is_own
from app.database import versions
from app.database.environment import keep_what_workers_need
from app.integrity.guards import changed_collations
from app.log.log import open_log
from app.maintenance import users
from app.maintenance.logins import admit_service, require_boundary, service_url, warnings_of
from app.maintenance.password_file import FIRST_FILE, keep_password
from app.maintenance.standby import refuse_unfit
from app.maintenance.store import (
    Connection,
    DataLocation,
    SchemaPermission,
    connected,
    database,
    prepare,
)
from app.settings import Setting, Settings
from app.telemetry.logs import MAIN, LogForm, config
from app.telemetry.tracing import reason_against

_CLOSING_S = 8
"""Seconds for a worker to answer what it has accepted, and to end; then it is killed."""
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


class Administrator(Struct, frozen=True):
    """The first administrator of an empty database; without a password one is generated."""

    name: str
    password: str | None


def serve(
    where: DataLocation,
    listen: Listen,
    administrator: Administrator,
    log: LogForm,
    **options: Setting,
) -> None:
    """Serve until a signal ends it; `options` are the Settings that `where` does not give.

    Raises OwnerLogin, ServerEnded, or as `free_address` does.
    """
    address = free_address(listen)
    with database(where, SchemaPermission.MIGRATE) as url:
        for warning in [*warnings_of(where), *filter(None, [reason_against()])]:
            say(f"Warning: {warning}", logging.WARNING)
        key, is_awaited = asyncio.run(_prepare(url, where, administrator))
        answered = hosts(address, listen)
        settings = where.settings(service_url(where), key, allowed_hosts=answered, **options)
        asyncio.run(_require_service(settings))
        if not (listen.allowed_hosts or is_own(host_of(address))):
            say("Answering calls by address only: --allowed-hosts names the hosts it is known by")
        say(f"Starting {listen.workers} worker{'s' if listen.workers > 1 else ''}")
        then = partial(_bring_live, url, where) if is_awaited else None
        if listen.workers == 1:
            _run(address, listen, settings, log, then)
            return
        with metrics_folder() as folder:
            # prometheus_client reads this on its first import, in the workers.
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
            _run(address, listen, replace(settings, metrics_folder=folder), log, then)


async def _prepare(
    url: str, where: DataLocation, administrator: Administrator
) -> tuple[bytes, bool]:
    """The master key, and whether this release brings versions of views that are not live."""
    has_own_login = service_url(where) != url
    if not has_own_login:
        await require_boundary(where)
    say("Checking the schema")
    applied, key = await prepare(url, where, SchemaPermission.MIGRATE)
    for name in applied:
        say(f"Applied migration {name}")
    async with connected(url, where.statement_cache) as store:
        for changed in await changed_collations(store):
            say(changed)
        if has_own_login:
            await admit_service(store, where)
            await require_boundary(where)
        if await versions.awaited(store.ask):
            return key, True  # there are users, be it in a former table
        await _ensure_administrator(store, where, administrator)
    return key, False


def _bring_live(url: str, where: DataLocation) -> None:
    from app.cli.new_versions import bring_live  # most starts need none of this

    bring_live(url, where)


async def _ensure_administrator(
    store: Connection, where: DataLocation, administrator: Administrator
) -> None:
    """Make sure that there is a user, and that no first password outlives its use."""
    file = where.data_dir / FIRST_FILE
    if await users.everybody(store):
        if administrator.password:
            say(
                "The administrator's password that was given is not used: there are users already "
                "(`sessionary users passwd NAME` changes a password)"
            )
        await users.forget_first_password(store, where.data_dir)
        return
    generated = await users.ensure_administrator(
        store, administrator.name, administrator.password, partial(keep_password, file)
    )
    if generated is not None:
        say(f"Created the administrator {administrator.name}: the password is in {file}")
        say(f"Change it before anything else: `sessionary users passwd {administrator.name}`")


async def _require_service(settings: Settings) -> None:
    """Open and close each worker's resources once, so that a fault is reported once, and here."""
    log = await open_log(settings)
    try:
        warning = await refuse_unfit(settings, log.pool)
    finally:
        await log.pool.close()
    if warning is not None:
        say(f"Warning: {warning}", logging.WARNING)


def _run(
    address: str, listen: Listen, settings: Settings, log: LogForm, then: Callable[[], None] | None
) -> None:
    """Run the server; `then` is called once it serves, by a thread of its own."""
    _set_the_stage()
    server = _Server(
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
        workers_kill_timeout=_CLOSING_S,
        log_level=LogLevels(log.level),
        log_dictconfig=config(log, MAIN),
        respawn_failed_workers=True,
        process_name=None,
        ssl_cert=None if listen.tls is None else listen.tls.cert,
        ssl_key=None if listen.tls is None else listen.tls.key,
        ssl_protocol_min=SSLProtocols.tls12,
    )
    server.log_form = log
    server.respawned_wrks = _Respawned()
    end_by_signals(server, listen.drain_delay_s)
    server.on_startup(partial(_say_when_it_serves, address, listen, then))
    try:
        server.serve(target_loader=partial(load, settings), wrap_loader=False)
    except SystemExit as ended:
        # A worker that obeys Ctrl-C before its parent does counts as a failure there.
        if ended.code and not server.interrupt_signal:
            raise ServerEnded(
                "A worker process failed again as soon as it was replaced: see the log above"
            ) from ended


def _set_the_stage() -> None:
    """Let workers start afresh, without locks of this process, and with their environment set."""
    multiprocessing.set_start_method("spawn")
    keep_what_workers_need()
    for name, value in _ALLOCATOR.items():
        os.environ.setdefault(name, value)


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


class _Server(MPServer):
    """The server, with a name for each worker in its log lines."""

    log_form: LogForm

    def processes(self) -> list[Worker]:
        """The worker processes."""
        return [worker.inner for worker in self.wrks]

    def _stop_workers(self) -> None:
        stop: Callable[[], None] = super()._stop_workers
        with awake(self.processes()):
            stop()

    def _spawn_worker(
        self, idx: int, target: Given, callback_loader: Given, socket_loader: Given = None
    ) -> WorkerProcess:
        name = f"worker-{idx + 1}"
        self.log_config = config(self.log_form, name)
        worker = super()._spawn_worker(idx, target, callback_loader)
        worker.inner.name = name
        return worker


class _Respawned(dict[int, float]):
    """The time of each worker's last replacement; the server gives up if one fails soon after.

    The server would forget the others at each replacement: two workers that fail in turn would then
    be replaced for ever.
    """

    def clear(self) -> None:
        """Keep all times."""


def _say_when_it_serves(address: str, listen: Listen, then: Callable[[], None] | None) -> None:
    """Announce the service once a worker takes connections: by then it has opened the database.

    Not before that, new versions of views go live: workers of the release before then end to serve.
    """

    def look() -> None:
        while True:
            with suppress(OSError), socket.create_connection((address, listen.port), _LOOK_S):
                break
            time.sleep(_LOOK_S)
        say(f"Serving on {listen.url}")
        if then is not None:
            then()

    threading.Thread(target=look, name="serving", daemon=True).start()
