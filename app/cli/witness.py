"""`witness`: cosigns checkpoints of logs that other machines keep; it needs no database."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
import platformdirs
from click.core import ParameterSource

from app.cli.exit_codes import Refused, ServerEnded
from app.cli.options import Given, option, reachable
from app.cli.param_types import Folder, HostPort
from app.telemetry.logs import FORMATS, LEVELS, LogForm, config, configure

if TYPE_CHECKING:
    from granian.server.embed import Server

    from app.proof.cosigner import Cosigner
    from app.proof.witness_server import WitnessServer
    from app.proof.witness_state import WitnessState

_NAME = "witness"
"""Of the process, in its log lines."""
_LOG = logging.getLogger("sessionary.witness")
_HEAD_S = 5
"""Seconds for the head of a request."""
_MAX_CONNECTIONS = 512

_state = option(
    "--state",
    type=Folder(),
    default=platformdirs.user_data_path("sessionary-witness", appauthor=False),
    help="Folder of its keys, and of what it has cosigned; made for a new witness.",
)
_name = option("--key-name", help="Name of a new witness, such as witness.example.com/w1.")
_ml_dsa = option("--ml-dsa", is_flag=True, help="Give it a second key, of ML-DSA-44.")


@click.group(invoke_without_command=True)
@option(
    "--listen",
    type=HostPort(),
    default="127.0.0.1:8010",
    show_default=True,
    metavar="HOST:PORT",
    help="Address to listen on.",
)
@option(
    "--log",
    multiple=True,
    metavar="VKEY",
    help="The public key of a log to follow (`checkpoint key`); may repeat.",
)
@_state
@_name
@_ml_dsa
@option("--log-format", type=click.Choice(FORMATS), default="text", show_default=True)
@option("--log-level", type=click.Choice(LEVELS), default="info", show_default=True)
@click.pass_context
def witness(
    context: click.Context,
    listen: tuple[str, int],
    log: Sequence[str],
    state: Path,
    key_name: str | None,
    log_format: str,
    log_level: str,
    *,
    ml_dsa: bool,
) -> None:
    """Cosign checkpoints of logs, until a signal ends it; best on a machine of somebody else.

    It cosigns a checkpoint only if that goes on from the last one that it has seen, and so nobody
    can show a part of a log, or another log, without its notice.
    """
    if context.invoked_subcommand is not None:
        return
    form = LogForm(log_format, log_level)
    configure(form, _NAME)
    reachable(lambda: _serve(listen, form, log, *_open(state, key_name, ml_dsa=ml_dsa)))


@witness.command("key")
@_state
@_name
@_ml_dsa
@click.pass_context
def show_key(context: click.Context, /, **own: Given) -> None:
    """Print its public keys, a line each, for the logs and for those who verify."""
    for name in own:
        # They may stand before `key`, too.
        if context.get_parameter_source(name) is ParameterSource.DEFAULT and context.parent:
            own[name] = context.parent.params[name]

    def show() -> None:
        state, cosigners = _open(own["state"], own["key_name"], ml_dsa=own["ml_dsa"])
        state.close()
        for each in cosigners:
            click.echo(each.key)

    reachable(show)


def _open(
    folder: Path, name: str | None, *, ml_dsa: bool
) -> "tuple[WitnessState, Sequence[Cosigner]]":
    from app.proof.cosigner import cosigners
    from app.proof.witness_state import WitnessState

    state = WitnessState(folder)
    return state, cosigners(state, name, ml_dsa=ml_dsa)


def _serve(
    listen: tuple[str, int],
    form: LogForm,
    logs: Sequence[str],
    state: "WitnessState",
    cosigners: "Sequence[Cosigner]",
) -> None:
    import asyncio

    import uvloop

    from app.cli.listen import Listen, free_address
    from app.cli.signals import until_signalled
    from app.proof.trees import Unproven
    from app.proof.witness import Witness, followed
    from app.proof.witness_server import WitnessServer

    if not logs:
        raise click.UsageError("There is no log to follow: --log VKEY names one")
    try:
        known = followed(logs)
    except Unproven as error:
        raise Refused(f"--log: {error}") from error
    host, port = listen
    # What it gets and gives is signed, and no secret: others may see it.
    where = Listen(host=host, port=port, workers=1, allow_plain_http=True)
    address = free_address(where)
    _LOG.info("Cosigning as %s", cosigners[0].key.name)
    served = WitnessServer(Witness(state, cosigners, known))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        said = f"Following {len(known)} logs on {where.url}"
        runner.run(until_signalled(_until_ended(_server(served, address, port, form), said)))
    state.close()


def _server(served: "WitnessServer", address: str, port: int, form: LogForm) -> "Server":
    from granian.constants import HTTPModes, Interfaces
    from granian.http import HTTP1Settings
    from granian.log import LogLevels
    from granian.server.embed import Server

    return Server(
        served,
        address=address,
        port=port,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=_HEAD_S * 1000),
        websockets=False,
        backpressure=_MAX_CONNECTIONS,
        log_level=LogLevels.error,
        log_dictconfig=config(form, _NAME),
    )


async def _until_ended(server: "Server", said: str) -> None:
    """Serve; what was accepted is answered when this is cancelled."""
    import asyncio

    serving = asyncio.ensure_future(server.serve())
    server.on_startup(lambda: _LOG.info("%s", said))
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        server.stop()
        await serving
        raise
    raise ServerEnded("The server has ended unasked: see the log above")
