"""`checkpoint`: what the log signed of its trees, to be kept by somebody else."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import Struct

from app.cli.exit_codes import Refused
from app.cli.options import on_data
from app.cli.reading import on_log_or_server, on_server
from app.cli.server import Server

if TYPE_CHECKING:
    from app.cli.reading import Where
    from app.cli.remote import RemoteSource
    from app.log.keyring import Keyring
    from app.maintenance.store import Connection, DataLocation

_partition = click.option(
    "--partition",
    type=click.IntRange(0),
    help="One of several parts of the log.  [default: all]",
)


class _Ends(Struct, frozen=True):
    """The last line of a page of the feed."""

    next: dict[int, int]


@click.group()
def checkpoint() -> None:
    """Signed checkpoints: from one that somebody else kept on, every change is detected."""


@checkpoint.command("show")
@_partition
@click.option("--size", type=click.IntRange(0), help="That of so many events.  [default: latest]")
@click.option("--now", is_flag=True, help="Sign one of all events that there are.")
@on_log_or_server
def show(where: "Where", partition: int | None, size: int | None, now: bool) -> None:
    """Print the latest signed checkpoint of each partition, or of one."""
    click.echo("".join(_notes(where, partition, size, now=now)), nl=False)


@checkpoint.command("export")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False)
@_partition
@click.option("--now", is_flag=True, help="Sign one of all events that there are.")
@on_log_or_server
def export(where: "Where", file: Path | None, partition: int | None, now: bool) -> None:
    """Write the latest signed checkpoints to FILE, or to standard output: keep it elsewhere."""
    found = "".join(_notes(where, partition, None, now=now))
    if file is None:
        click.echo(found, nl=False)
        return
    _write(file, found)


@checkpoint.command("key")
@_partition
@click.option("--former", is_flag=True, help="Also keys that signed earlier ones.")
@on_log_or_server
def show_key(where: "Where", partition: int | None, former: bool) -> None:
    """Print the public key of each partition's checkpoints, or of one's."""
    if isinstance(where, Server):

        async def ask(remote: "RemoteSource") -> list[str]:
            told = {"former": "true"} if former else {}
            found = await _partitions(remote) if partition is None else [partition]
            return [
                await remote.text("/audit/checkpoint/key", told | {"partition": str(each)})
                for each in found
            ]

        click.echo("".join(on_server(where, ask)), nl=False)
        return
    from app.cli.work import on_log
    from app.proof.on_demand import keys_of

    async def work(store: "Connection", keyring: "Keyring") -> list[str]:
        return await keys_of(store, keyring, partition, former=former)

    click.echo("".join(f"{key}\n" for key in _told(lambda: on_log(where, work))), nl=False)


@checkpoint.command("rotate-key")
@on_data
def rotate_key(where: "DataLocation") -> None:
    """Sign with a new key from now on; one checkpoint is signed by both."""
    from app.cli.work import on_log
    from app.proof.on_demand import rotate

    async def work(store: "Connection", keyring: "Keyring") -> list[str]:
        return await rotate(store, keyring)

    for key in _told(lambda: on_log(where, work)):
        click.echo(key)
    click.echo("Give the new keys to witnesses, and to all who keep checkpoints", err=True)


def _notes(where: "Where", partition: int | None, size: int | None, *, now: bool) -> list[str]:
    if isinstance(where, Server):
        if now:
            raise click.UsageError("--now needs the database: a service signs by itself")

        async def ask(remote: "RemoteSource") -> list[str]:
            query = {} if size is None else {"size": str(size)}
            found = await _partitions(remote) if partition is None else [partition]
            return [
                await remote.text("/audit/checkpoint", query | {"partition": str(each)})
                for each in found
            ]

        return on_server(where, ask)
    from app.cli.work import on_log
    from app.proof import on_demand

    async def work(store: "Connection", keyring: "Keyring") -> list[str]:
        if now:
            await on_demand.sign(store, keyring)
        return await on_demand.notes(store, keyring, partition, size)

    return _told(lambda: on_log(where, work))


async def _partitions(remote: "RemoteSource") -> list[int]:
    import msgspec

    ends = await remote.text("/audit/feed.ndjson", {"after": "now", "limit": "1"})
    return sorted(msgspec.json.decode(ends.encode().splitlines()[-1], type=_Ends).next)


def _told(work: Callable[[], list[str]]) -> list[str]:
    from app.proof.on_demand import NotThere
    from app.proof.proving import NothingSigned
    from app.proof.tree import TreeDamaged

    try:
        return work()
    except (NotThere, NothingSigned, TreeDamaged) as error:
        raise Refused(str(error)) from error


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text)
    except OSError as error:
        raise Refused(f"{file} cannot be written: {error.strerror}") from error
