"""Commands that only read: by the database, or over HTTP from a running service."""

from collections.abc import Callable, Coroutine
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar
from urllib.parse import urlsplit

import click
from click.core import ParameterSource

from app.cli.options import Given, data_options, decorated, located, reachable, server_options
from app.cli.param_types import Text
from app.cli.server import Server

if TYPE_CHECKING:
    from app.cli.remote import RemoteSource
    from app.cli.source import Source
    from app.history.sessions import Clock
    from app.log.keyring import Keyring
    from app.maintenance.store import Connection, DataLocation

T = TypeVar("T")
if TYPE_CHECKING:
    Where: TypeAlias = DataLocation | Server
_LOCAL = ("database_url", "owner_url", "data_dir")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def on_log_or_server(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the place of the log as `where`: a `DataLocation` or a `Server`."""

    @wraps(command)
    def with_where(server: str | None, token_file: Path | None, **others: Given) -> None:
        if server is None or _prefers_database():
            where, rest = located(others)
            reachable(lambda: command(where=where, **rest))
            return
        reachable(lambda: command(where=_server(server, token_file), **located(others)[1]))

    return decorated(with_where, [*server_options(), *data_options()])


def personal_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the `reason` why a service is to show personal data; None: it is masked."""

    @wraps(command)
    def with_reason(personal: bool, reason: str | None, **others: Given) -> None:
        if personal != (reason is not None):
            raise click.UsageError("--personal and --reason TEXT belong together")
        command(reason=reason, **others)

    return decorated(
        with_reason,
        [
            click.option(
                "--personal",
                is_flag=True,
                help="With --server: show personal data, which puts the reason on record.",
            ),
            click.option("--reason", type=Text(), help="Why personal data is to be shown."),
        ],
    )


def on_source(
    where: "Where",
    clock: "Clock",
    reason: str | None,
    work: "Callable[[Source], Coroutine[Any, Any, T]]",
) -> T:
    """The result of some work on a log; `reason`: why a service is to show personal data."""
    if isinstance(where, Server):
        return on_server(where, work, parameters(clock, reason))
    from app.cli.local import local_source
    from app.cli.work import on_log

    async def run(store: "Connection", keyring: "Keyring") -> T:
        return await work(await local_source(store, keyring, clock))

    return on_log(where, run, looks=True)


def parameters(clock: "Clock", reason: str | None) -> dict[str, str | None]:
    """Parameters of each question about events to a service."""
    return {
        "tz": getattr(clock.zone, "key", None),
        "personal": None if reason is None else "true",
        "reason": reason,
    }


def on_server(
    where: Server,
    work: "Callable[[RemoteSource], Coroutine[Any, Any, T]]",
    always: "dict[str, str | None] | None" = None,
) -> T:
    """The result of some work over HTTP; `always`: parameters of each question about events."""
    import asyncio

    from app.cli.remote import remote_source

    async def run() -> T:
        async with remote_source(where, always or {}) as source:
            return await work(source)

    return asyncio.run(run())


def _prefers_database() -> bool:
    """Whether a database is named more explicitly than the service. Raises UsageError for both."""
    context = click.get_current_context()
    given = [
        name for name in _LOCAL if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    ]
    if not given:
        return False
    if context.get_parameter_source("server") is ParameterSource.COMMANDLINE:
        other = given[0].replace("_", "-")
        raise click.UsageError(f"--server and --{other} name two places: give one of them")
    return True


def _server(url: str, token_file: Path | None) -> Server:
    from app.cli.server import token_in

    try:
        parts = urlsplit(url)
        is_fit = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        is_fit = False
    if not is_fit or parts.query or parts.fragment or "@" in parts.netloc:
        # (The URL is not repeated: it may hold a password.)
        raise click.UsageError("--server takes a URL such as https://sessions.example.com")
    if token_file is None:
        raise click.UsageError("--server needs --token-file, a file with a bearer token")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        click.echo("Warning: over http:// the token crosses the network in the clear", err=True)
    return Server(url.rstrip("/"), token_in(token_file))
