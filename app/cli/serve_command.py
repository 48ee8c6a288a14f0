"""The command `serve` and its options; `serve` itself does the work."""

import logging
import os
from collections.abc import Callable
from functools import partial, wraps
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli import talk
from app.cli.erasure_lists import listing_erasures
from app.cli.options import Given, decorated, on_data, option, reachable
from app.cli.param_types import Hosts, Origin, Seconds
from app.cli.sealing import sealing_options
from app.database.environment import take_secret
from app.settings import (
    BODY_DEADLINE_S,
    CUSTOMER_TIMEOUT_S,
    RATE_LIMIT,
    READ_WAIT_S,
    SLOW_REQUEST_S,
    Setting,
)
from app.telemetry.logs import ACCESS_LOGS, FORMATS, LEVELS, LogForm, configure

if TYPE_CHECKING:
    from app.cli.listen import Listen
    from app.maintenance.store import DataLocation


def _warn_root() -> None:
    """Say that root's rights are more than a fault of a service should have.

    (Refusing would stop the first try in a container, where root is often the only account.)
    """
    if os.geteuid() == 0:
        talk.say(
            "Running as root: whoever breaks into the service owns the machine. Make an account "
            "for it (`useradd --system --create-home sessionary`), and start it by `runuser -u "
            "sessionary -- sessionary serve`",
            logging.WARNING,
        )


def _tells_at_once(command: Callable[..., None]) -> Callable[..., None]:
    """Print the first step of `serve` before its imports, which take a third of a second."""

    @wraps(command)
    def tell(**options: Given) -> None:
        log = LogForm(options.pop("log_format"), options.pop("log_level"))
        options["admin_password"] = take_secret("SESSIONARY_ADMIN_PASSWORD")
        configure(log)
        if log.format == "json":
            talk.speak_in_log_lines()
        with talk.refusals():
            _warn_root()
            embedded = f"Starting PostgreSQL in {options['data_dir']}"
            given = options["database_url"] or options["owner_url"]
            first = "Connecting to the database" if given else embedded
            reachable(partial(talk.say, first))
            command(log=log, **options)

    return tell


def _listening(command: Callable[..., None]) -> Callable[..., None]:
    """Give `serve` the options that say where and how it listens, as one argument `listen`."""

    @wraps(command)
    def with_listen(
        where: "DataLocation",
        host: str,
        port: int,
        workers: int,
        tls_cert: Path | None,
        tls_key: Path | None,
        behind_proxy: bool,
        allow_plain_http: bool,
        allowed_hosts: tuple[tuple[str, ...], ...],
        drain_delay: float,
        **others: Given,
    ) -> None:
        from app.cli.listen import Listen, tls

        listen = Listen(
            host=host,
            port=port,
            workers=workers,
            tls=tls(tls_cert, tls_key),
            behind_proxy=behind_proxy,
            allow_plain_http=allow_plain_http,
            allowed_hosts=frozenset(chain.from_iterable(allowed_hosts)),
            drain_delay_s=drain_delay,
        )
        command(where=where, listen=listen, **others)

    return with_listen


_FILE = click.Path(dir_okay=False, path_type=Path)
_LISTENING = [
    option("--host", default="127.0.0.1", show_default=True, help="Address to listen on."),
    option(
        "--port",
        default=8000,
        show_default=True,
        type=click.IntRange(1, 65535),
        help="Port to listen on.",
    ),
    option("--workers", default=1, show_default=True, type=click.IntRange(1), help="Processes."),
    option("--tls-cert", type=_FILE, help="PEM file of a certificate and its chain: for HTTPS."),
    option("--tls-key", type=_FILE, help="PEM file of the certificate's key."),
    option(
        "--behind-proxy",
        is_flag=True,
        help="Believe X-Forwarded-Proto and -For: only where a proxy sets both itself.",
    ),
    option(
        "--allow-plain-http",
        is_flag=True,
        help="Listen on a network without TLS: passwords cross it in the clear.",
    ),
    option(
        "--allowed-hosts",
        multiple=True,
        type=Hosts(),
        metavar="HOST",
        help="A host to answer for, such as sessions.example.com, *.example.com or *; may "
        "repeat. Without any: the address listened on. This machine's own names always.",
    ),
    option(
        "--drain-delay",
        default=5.0,
        show_default=True,
        type=Seconds(),
        metavar="SECONDS",
        help="Seconds from SIGTERM, which makes readiness red, until the port closes.",
    ),
]
"""The options that `_listening` takes."""


def _listening_options(command: Callable[..., None]) -> Callable[..., None]:
    return decorated(command, _LISTENING)


@click.command()
@_listening_options
@option("--admin-user", default="admin", show_default=True, help="Name of the first administrator.")
@option(
    "--admin-password-file",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="File with the first administrator's password.",
)
@option(
    "--allowed-origins",
    multiple=True,
    type=Origin(),
    metavar="ORIGIN",
    help="Another origin whose pages may act for who is signed in; may repeat.",
)
@option(
    "--customer-timeout",
    default=CUSTOMER_TIMEOUT_S,
    show_default=True,
    type=Seconds(),
    metavar="SECONDS",
    help="Seconds after which a chat is closed whose customer has stopped fetching; 0: never.",
)
@option(
    "--body-deadline",
    default=BODY_DEADLINE_S,
    show_default=True,
    type=Seconds(or_none=False),
    metavar="SECONDS",
    help="Seconds within which a request's body has to come whole.",
)
@option(
    "--rate-limit",
    default=RATE_LIMIT,
    show_default=True,
    type=click.FloatRange(0),
    metavar="REQUESTS",
    help="Requests a second that one user may make of each worker, on average; 0: any number.",
)
@option(
    "--read-wait",
    default=READ_WAIT_S,
    show_default=True,
    type=Seconds(or_none=False),
    metavar="SECONDS",
    help="Seconds that a request waits for the standby of --read-url; then the primary is asked.",
)
@option("--log-format", type=click.Choice(FORMATS), default="text", show_default=True)
@option("--log-level", type=click.Choice(LEVELS), default="info", show_default=True)
@option(
    "--access-log",
    type=click.Choice(ACCESS_LOGS),
    default="off",
    show_default=True,
    help="Requests that have a line: those answered with 400 and above, slow ones, or all.",
)
@option(
    "--slow-request",
    default=SLOW_REQUEST_S,
    show_default=True,
    type=Seconds(or_none=False),
    metavar="SECONDS",
    help="Seconds after which a request counts as slow.",
)
@_tells_at_once
@on_data
@sealing_options
@listing_erasures
@_listening
def serve(
    where: "DataLocation",
    listen: "Listen",
    log: LogForm,
    admin_user: str,
    admin_password: str | None,
    admin_password_file: Path | None,
    allowed_origins: tuple[str, ...],
    customer_timeout: float,
    body_deadline: float,
    rate_limit: float,
    read_wait: float,
    access_log: str,
    slow_request: float,
    sealing: dict[str, Setting],
) -> None:
    """Migrate, then serve HTTP."""
    from app.cli import serve as serving
    from app.maintenance.password_file import password_in

    if admin_password_file is not None:
        admin_password = password_in(admin_password_file)
    serving.serve(
        where,
        listen,
        serving.Administrator(admin_user, admin_password),
        log,
        behind_proxy=listen.behind_proxy,
        allowed_origins=frozenset(allowed_origins),
        customer_timeout_s=customer_timeout,
        body_deadline_s=body_deadline,
        rate_limit=rate_limit,
        read_wait_s=read_wait,
        access_log=access_log,
        slow_request_s=slow_request,
        **sealing,
    )
