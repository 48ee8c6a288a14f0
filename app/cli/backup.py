"""`backup` and `restore`: the whole database, with what serves callers."""

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli.erasure_lists import lists_option
from app.cli.exit_codes import DIFFERENCE, Refused
from app.cli.options import on_data, option
from app.settings import BACKUP_HORIZON_DAYS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.care.backup import Header
    from app.care.lines import Checkpoint
    from app.care.restored_log import RestoredLog
    from app.erasure.again import Again
    from app.erasure.listed import Listed
    from app.maintenance.store import DataLocation


backup_keys_option = option(
    "--backup-keys",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    metavar="FOLDER",
    help="Folder with a key for each sealed backup, which is destroyed at the backup's horizon.",
)
backup_horizon_option = option(
    "--backup-horizon",
    default=BACKUP_HORIZON_DAYS,
    show_default=True,
    type=click.IntRange(0, 36_500),
    metavar="DAYS",
    help="When a backup's own key is destroyed: nobody can open it from then on.",
)


@click.command()
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder to make: a dump in PostgreSQL's directory format, with a header.",
)
@backup_keys_option
@backup_horizon_option
@on_data
def backup(
    where: "DataLocation", folder: Path, backup_keys: Path | None, backup_horizon: int
) -> None:
    """Back up the database beside running services; the master key is not in it: keep a copy.

    With --backup-keys, it is sealed under a key of its own, and the keys of earlier backups that
    are past their time are destroyed: nobody can open those any more.
    """
    import asyncio

    from app.care.backup import back_up
    from app.care.sealed_backup import seal
    from app.maintenance.keys import keyring_of
    from app.maintenance.store import SchemaPermission, connected, database, prepare
    from app.operations.deeds import Recorder

    if folder.exists():
        raise Refused(f"{folder} exists: name another folder, or remove it")

    async def work(url: str) -> "tuple[Header, list[str]]":
        await prepare(url, where, SchemaPermission.LOOK, looks=True)
        async with connected(url, where.statement_cache, looks=True) as store:
            deed, keyring = Recorder("backup"), await keyring_of(store, where)
            if backup_keys is None:
                done = await back_up(store, keyring, url, folder), list[str]()
            else:
                done = await seal(store, keyring, url, folder, backup_keys, backup_horizon)
            await deed.end(store.raw, f"up to {', '.join(_places(done[0]))}")
            return done

    with database(where, SchemaPermission.LOOK) as url:
        header, gone = asyncio.run(work(url))
    for place in _places(header):
        click.echo(f"backed up to {place}", err=True)
    click.echo(f"It needs the master key {header.master_key}, which is not in it", err=True)
    if backup_keys is not None:
        own = f"It needs its own key {header.key}, too, which is to go at {header.until}"
        click.echo(own, err=True)
        for name in gone:
            click.echo(f"destroyed the key {name}: its backup cannot be opened any more", err=True)


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, exists=True, path_type=Path))
@click.option(
    "--checkpoint",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="File that ends with a checkpoint, as an export: it is told what that has more.",
)
@lists_option("--erasures", "List (--erasures-to) of what is to be erased again; may repeat.")
@backup_keys_option
@on_data
def restore(
    where: "DataLocation",
    folder: Path,
    checkpoint: Path | None,
    lists: tuple[Path, ...],
    backup_keys: Path | None,
) -> None:
    """Restore a backup into an empty database, or a data directory that holds the master key."""
    from app.care.backup import ahead
    from app.care.backup import restore as restoring
    from app.cli.progress import progress
    from app.erasure.listed import read_lists

    kept = None if checkpoint is None else _last_checkpoint(checkpoint)
    forget = partial(_forget, read_lists(lists)) if lists else None
    with progress("Verifying") as advance:
        done = restoring(where, folder, advance, forget, backup_keys)
    for place in _places(done.header):
        click.echo(f"restored up to {place}")
    if kept is not None:
        for sentence in ahead(kept, done.header) or ["The checkpoint has nothing that is not here"]:
            click.echo(sentence)
    left = [] if done.again is None else done.again.left
    click.echo(str(done.again) if done.again is not None else _unknown(done.header))
    for difference in [*left, *done.differences]:
        click.echo(difference)
    click.echo("Tokens and sign-ins are as they were then: revoke again what was revoked", err=True)
    for each in [] if done.again is None else done.again.receipts:
        click.echo(f"Its receipt, once a service runs: sessionary receipts show {each}", err=True)
    if left or done.differences:
        sys.exit(DIFFERENCE)


async def _forget(listed: "Listed", log: "RestoredLog") -> "Again":
    from app.cli.accounts import operators_call
    from app.erasure.again import erase_again

    return await erase_again(log, log.reader, operators_call("Restore"), listed)


def _unknown(header: "Header") -> str:
    return (
        f"Nothing tells what was erased after {header.taken_at}, and is here again: if there is a "
        "list (--erasures-to), run `sessionary erase --from-list` with it before anybody reads"
    )


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
