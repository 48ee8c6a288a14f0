"""`serve`: migrates, then serves HTTP with one or more worker processes."""

import asyncio
import errno
import multiprocessing
import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from granian import Granian
from granian.constants import Interfaces, Loops
from msgspec import Struct

from app.ops import users
from app.ops.store import May, NotReachable, Where, connected, database, prepare
from app.settings import Settings

if TYPE_CHECKING:
    from litestar import Litestar


_PORT_PATIENCE_S = 5.0
"""Workers of a service that was killed while they were starting hold its port for a moment."""


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
    where: Where,
    listen: Listen,
    administrator: Administrator,
    say: Callable[[str], None],
    **options: Any,  # noqa: ANN401  # any of Settings
) -> None:
    """Serve until told to stop; `options` are those of Settings that `where` does not give.

    Raises NotReachable when the address or its port is not to be had.
    """
    _require_free(listen)
    with database(where, May.MIGRATE) as url:
        key = asyncio.run(_prepare(url, where, administrator, say))
        with tempfile.TemporaryDirectory(prefix="sessionary-metrics-") as folder:
            shared = folder if listen.workers > 1 else None
            if shared is not None:
                # prometheus_client reads it when it is first imported.
                os.environ["PROMETHEUS_MULTIPROC_DIR"] = shared
            _run(listen, where.settings(url, key, metrics_folder=shared, **options), say)


async def _prepare(
    url: str, where: Where, administrator: Administrator, say: Callable[[str], None]
) -> bytes:
    applied, key = await prepare(url, where, May.MIGRATE)
    for name in applied:
        say(f"Applied migration {name}")
    async with connected(url, where.statement_cache) as store:
        password = await users.ensure_administrator(
            store, administrator.name, administrator.password
        )
    if password is not None:
        say(f"Created the administrator {administrator.name} with the password {password}")
        say("It is shown this once.")
    return key


def _require_free(listen: Listen) -> None:
    """The server shares its port among workers (SO_REUSEPORT), and so also with a stranger."""
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
            return
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise NotReachable(
                    f"Cannot listen on {listen.host}, port {listen.port}: {error.strerror}"
                ) from error
            time.sleep(0.1)


def _run(listen: Listen, settings: Settings, say: Callable[[str], None]) -> None:
    # A worker starts afresh: it takes over no locks of this process, and finds the environment set.
    multiprocessing.set_start_method("spawn")
    say(f"Serving on http://{listen.host}:{listen.port}")
    Granian(
        "app.main:create_app",
        address=listen.host,
        port=listen.port,
        workers=listen.workers,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        websockets=False,
        log_access=False,
        workers_kill_timeout=10,
        process_name=None,
    ).serve(target_loader=partial(_load, settings), wrap_loader=False)


def _load(settings: Settings) -> "Litestar":
    _end_with_main()
    from app.main import create_app

    return create_app(settings)


def _end_with_main() -> None:
    """End this worker at once when the main process is killed, however busy it is.

    An orphan would hold the port, and nobody could stop it.
    """
    main = multiprocessing.parent_process()
    assert main is not None  # noqa: S101  # workers are spawned

    def watch() -> None:
        main.join()
        os._exit(1)

    threading.Thread(target=watch, name="main process", daemon=True).start()
