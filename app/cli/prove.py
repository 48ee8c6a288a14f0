"""`prove`: files that show an event, or all of a session, to whoever kept the log's public key."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli.exit_codes import Refused
from app.cli.reading import on_log_or_server, on_source
from app.cli.server import Server

if TYPE_CHECKING:
    from app.cli.reading import Where
    from app.cli.source import Source
    from app.log.keyring import Keyring
    from app.maintenance.store import Connection

_EVENT = re.compile(r"[0-9]{1,9}:[0-9]{1,18}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@click.command()
@click.argument("what", metavar="POSITION|EVENT_ID|SESSION")
@click.option(
    "-o",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    metavar="FILE",
    help="Where to write it.",
)
@on_log_or_server
def prove(where: "Where", what: str, file: Path) -> None:
    """Write a C2SP .tlog-proof of an event, or of each event of a session, to FILE."""
    from datetime import UTC

    from app.cli.moments import clock_in

    places = on_source(where, clock_in(UTC), None, lambda source: _places(source, what))
    text = "".join(_proofs(where, places))
    try:
        file.write_text(text)
    except OSError as error:
        raise Refused(f"{file} cannot be written: {error.strerror}") from error
    click.echo(f"{len(places)} events proven in {file}", err=True)


async def _places(source: "Source", what: str) -> list[tuple[int, int]]:
    """The partition and position of each event."""
    from domain.errors import NotFound

    if _EVENT.fullmatch(what):
        try:
            event = await source.event(what)
            return [(event.partition, event.position)]
        except NotFound:
            if ":" in what:
                raise
    return [(each.partition, each.position) async for each in source.history(what, None)]


def _proofs(where: "Where", places: list[tuple[int, int]]) -> list[str]:
    if isinstance(where, Server):
        from app.cli.reading import on_server
        from app.cli.remote import RemoteSource

        async def ask(remote: RemoteSource) -> list[str]:
            path = "/audit/proof/inclusion.tlog-proof"
            return [await remote.text(path, {"position": f"{a}:{b}"}) for a, b in places]

        return on_server(where, ask)
    from app.cli.work import on_log
    from app.proof.proving import NothingSigned, proven
    from app.proof.tree import TreeDamaged

    async def work(store: "Connection", keyring: "Keyring") -> list[str]:
        return await proven(store, places)

    try:
        return on_log(where, work)
    except (NothingSigned, TreeDamaged) as error:
        raise Refused(str(error)) from error
