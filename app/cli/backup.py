"""`backup` and `restore`: the whole database, with what serves callers."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli.exit_codes import DIFFERENCE, Refused
from app.cli.options import on_data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.care.backup import Header
    from app.care.lines import Checkpoint
    from app.maintenance.store import DataLocation


@click.command()
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder to make: a dump in PostgreSQL's directory format, with a header.",
)
@on_data
def backup(where: "DataLocation", folder: Path) -> None:
    """Back up the database beside running services; the master key is not in it: keep a copy."""
    import asyncio

    from app.care.backup import back_up
    from app.maintenance.keys import keyring_of
    from app.maintenance.store import SchemaPermission, connected, database, prepare
    from app.operations.deeds import Recorder

    if folder.exists():
        raise Refused(f"{folder} exists: name another folder, or remove it")

    async def work(url: str) -> "Header":
        await prepare(url, where, SchemaPermission.LOOK, looks=True)
        async with connected(url, where.statement_cache, looks=True) as store:
            deed = Recorder("backup")
            made = await back_up(store, await keyring_of(store, where), url, folder)
            await deed.end(store.raw, f"up to {', '.join(_places(made))}")
            return made

    with database(where, SchemaPermission.LOOK) as url:
        header = asyncio.run(work(url))
    for place in _places(header):
        click.echo(f"backed up to {place}", err=True)
    click.echo(f"It needs the master key {header.master_key}, which is not in it", err=True)


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, exists=True, path_type=Path))
@click.option(
    "--checkpoint",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="File that ends with a checkpoint, as an export: it is told what that has more.",
)
@on_data
def restore(where: "DataLocation", folder: Path, checkpoint: Path | None) -> None:
    """Restore a backup into an empty database, or a data directory that holds the master key."""
    from app.care.backup import ahead
    from app.care.backup import restore as restoring
    from app.cli.progress import progress

    kept = None if checkpoint is None else _last_checkpoint(checkpoint)
    with progress("Verifying") as advance:
        done = restoring(where, folder, advance)
    for place in _places(done.header):
        click.echo(f"restored up to {place}")
    if kept is not None:
        for sentence in ahead(kept, done.header) or ["The checkpoint has nothing that is not here"]:
            click.echo(sentence)
    for difference in done.differences:
        click.echo(difference)
    click.echo("Tokens and sign-ins are as they were then: revoke again what was revoked", err=True)
    if done.differences:
        sys.exit(DIFFERENCE)


def _places(header: "Header") -> "Sequence[str]":
    return [
        f"{partition}:{position}, recorded at {header.recorded_at.get(partition, 'no time')}"
        for partition, position in sorted(header.positions.items())
    ]


def _last_checkpoint(file: Path) -> "Checkpoint":
    import msgspec

    from app.care.files import CutOff, lines_of
    from app.care.lines import CheckpointLine

    last = b""
    try:
        with lines_of(file) as lines:
            for line in lines:
                last = line
        return msgspec.json.decode(last, type=CheckpointLine).checkpoint
    except (CutOff, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Refused(f"{file} does not end with a checkpoint") from error
