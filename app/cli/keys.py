"""`keys`: the master key that everything personal is sealed under."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli.backup import backup_keys_option
from app.cli.exit_codes import DIFFERENCE, Refused
from app.cli.options import on_data, output_option, reachable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.care.backup_records import KnownKey
    from app.care.rotation import KeyUse, Rotated
    from app.log.keyring import Keyring
    from app.maintenance.store import Connection, DataLocation


@click.group()
def keys() -> None:
    """The master key, which wraps the keys of all streams."""


@keys.command("status")
@click.option(
    "--output",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="How to show it.",
)
@on_data
def see_status(where: "DataLocation", output: str) -> None:
    """Show how many streams are under which master key, by its fingerprint.

    And which keys sealed backups have had, until when, and when and by which login of the database
    it went on record that they were destroyed.
    """
    from app.care.backup_records import known_keys
    from app.care.rotation import uses
    from app.cli.output import print_json, print_table
    from app.cli.work import on_log

    async def work(
        store: "Connection", keyring: "Keyring"
    ) -> "tuple[list[KeyUse], Sequence[KnownKey]]":
        return await uses(store, keyring), await known_keys(store)

    found, of_backups = on_log(where, work, looks=True)
    if output == "json":
        print_json({"keys": found, "backupKeys": of_backups})
        return
    print_table(
        ["fingerprint", "streams", "state"],
        [(each.fingerprint, str(each.streams), each.state) for each in found],
    )
    if of_backups:
        print_table(
            ["backup's key", "until", "destroyed", "by"],
            [
                (each.id, each.until, each.destroyed_at or "", each.destroyed_by or "")
                for each in of_backups
            ],
        )


@keys.command("rotate")
@click.option(
    "--new-key-file",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="File with the new master key; one is generated and written there if it is not there.",
)
@on_data
def rotate(where: "DataLocation", new_key_file: Path) -> None:
    """Replace the master key, beside running services; a killed run is taken up by the next.

    The former key is refused afterwards: the service must be given the new file.
    """
    from msgspec.structs import replace

    from app.care import rotation
    from app.cli.progress import progress
    from app.cli.work import on_log
    from app.log.errors import WrongMasterKey
    from app.operations.deeds import Recorder

    if new_key_file.resolve() == where.key_file.resolve():
        raise Refused(f"{new_key_file} is the file of the present master key: name another one")

    async def work(store: "Connection", keyring: "Keyring") -> "Rotated":
        deed = Recorder("keys rotate")
        key = await rotation.new_key(store, keyring, new_key_file)
        with progress("Wrapping keys", "streams") as advance:
            done = await rotation.rotate(store, keyring, key, advance)
        told = f"the master key is {done.fingerprint}"
        await deed.end(store.raw, told, well=not done.damaged)
        return done

    async def look(store: "Connection", keyring: "Keyring") -> str:
        return keyring.fingerprint_of_key

    try:
        done = on_log(where, work)
    except WrongMasterKey:
        if not new_key_file.exists():
            raise
        # An earlier run may have come to its end without having said so.
        found = on_log(replace(where, master_key_file=new_key_file), look, looks=True)
        click.echo(f"The master key was changed to {found} before: nothing is left to do", err=True)
        return
    _tell(done, new_key_file)


def _tell(done: "Rotated", new_key_file: Path) -> None:
    for damaged in done.damaged:
        click.echo(f"Cannot be opened, and stays as it is: {damaged}")
    click.echo(
        f"The master key is now {done.fingerprint}; {done.streams} streams were wrapped anew. "
        f"Start the service with --master-key-file {new_key_file}, and keep a copy of that file",
        err=True,
    )
    if done.damaged:
        sys.exit(DIFFERENCE)


@keys.command("backups")
@backup_keys_option
@output_option
def see_backups(backup_keys: Path | None, output: str) -> None:
    """Show the keys of sealed backups, and until when each is there; this needs no database."""
    from app.care.backup_keys import kept
    from app.cli.output import print_found

    columns = {
        "id": lambda each: each.id,
        "madeAt": lambda each: each.made_at,
        "until": lambda each: each.until,
        "due": lambda each: "yes" if each.due else "no",
    }
    folder = _folder(backup_keys)
    reachable(lambda: print_found("keys", kept(folder), columns, output))


@keys.command("retire-backups")
@backup_keys_option
@on_data
def retire_backups(where: "DataLocation", backup_keys: Path | None) -> None:
    """Destroy the keys of backups that are past their time: nobody can open those any more.

    Run it daily, where no backup does it. The keys go first. Then the log has it on record, or, if
    it cannot be reached, when this or a backup is run again.
    """
    from app.care.backup_keys import destroyed, retire
    from app.care.backup_records import put_destroyed
    from app.cli.work import on_store

    folder = _folder(backup_keys)
    gone = retire(folder)
    for name in gone:
        click.echo(name)
    click.echo(f"{len(gone)} keys were destroyed", err=True)
    if not destroyed(folder):
        return
    try:
        on_store(where, lambda store: put_destroyed(store, folder), any_version=True)
    finally:
        if left := destroyed(folder):
            click.echo(f"Not on record yet: {', '.join(each.id for each in left)}", err=True)


def _folder(backup_keys: Path | None) -> Path:
    if backup_keys is None:
        raise click.UsageError("Name the folder of the keys: --backup-keys FOLDER")
    return backup_keys
