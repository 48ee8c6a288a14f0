"""`export` and `import`: a portable, verifiable copy of the log."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli.exit_codes import DIFFERENCE, Refused
from app.cli.options import on_data

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from app.care.export import Block
    from app.care.files import Partial
    from app.log.keyring import Keyring
    from app.maintenance.store import Connection, DataLocation

_FILE = click.Path(dir_okay=False, allow_dash=True, path_type=Path)
_DASH = Path("-")


@click.command()
@click.argument("file", type=_FILE)
@click.option("--clear", is_flag=True, help="Write personal fields unsealed, which is on record.")
@click.option(
    "--reason", default="export --clear", help="Why: it is in the event that --clear adds."
)
@on_data
def export(where: "DataLocation", file: Path, clear: bool, reason: str) -> None:
    """Copy the log to FILE: NDJSON, compressed if the name ends in .zst; - is stdout.

    An export that was broken off goes on where it ended.
    """
    if file != _DASH and file.exists():
        raise Refused(f"{file} exists: name another file, or remove it")
    if file == _DASH:
        _to_stdout(where, clear, reason)
    else:
        _to_file(where, file, clear, reason)


def _to_stdout(where: "DataLocation", clear: bool, reason: str) -> None:
    from app.cli.progress import progress
    from app.cli.work import on_log

    async def work(store: "Connection", keyring: "Keyring") -> None:
        from app.care import export as exporting

        with progress("Exporting") as advance:
            blocks = (
                exporting.clear(store, keyring, advance)
                if clear
                else exporting.sealed(store, keyring, None, advance)
            )
            async for block in blocks:
                sys.stdout.buffer.write(b"".join(block))
        sys.stdout.buffer.flush()

    if clear:
        _put_on_record(where, reason, "-")
    on_log(where, work, looks=True)


def _to_file(where: "DataLocation", file: Path, clear: bool, reason: str) -> None:
    from app.care.files import Partial
    from app.cli.work import on_log

    output = Partial(file)
    if clear:
        _put_on_record(where, reason, str(file))

    async def work(store: "Connection", keyring: "Keyring") -> int:
        return await _write(_blocks(store, keyring, output, clear), output)

    try:
        lines = on_log(where, work, looks=True)
        output.finish()
    finally:
        output.close()
    click.echo(f"Wrote {lines} lines to {file}", err=True)


async def _write(blocks: "AsyncIterator[Block]", output: "Partial") -> int:
    lines = 0
    async for block in blocks:
        output.write(block)
        lines += len(block)
    return lines


async def _blocks(
    store: "Connection", keyring: "Keyring", output: "Partial", clear: bool
) -> "AsyncIterator[Block]":
    from app.care import export as exporting
    from app.cli.progress import progress

    begun = None
    if output.exists and not clear:
        begun = exporting.taken_up(keyring, output.blocks())
        if begun.position:
            place = f"{begun.partition}:{begun.position}"
            click.echo(f"resumed at position {place}", err=True)
    output.open(0 if begun is None else begun.offset)
    with progress("Exporting") as advance:
        blocks = (
            exporting.clear(store, keyring, advance)
            if clear
            else exporting.sealed(store, keyring, begun, advance)
        )
        async for block in blocks:
            yield block


def _put_on_record(where: "DataLocation", reason: str, file: str) -> None:
    """Add the event that personal data is about to be seen."""
    from app.cli.accounts import on_service, record_view

    scope = f"export --clear {file}"
    on_service(where, lambda service: record_view(service, reason, scope))


@click.command("import")
@click.argument("file", type=_FILE)
@on_data
def import_log(where: "DataLocation", file: Path) -> None:
    """Fill an empty log from an export; needs the same master key.

    An import that was broken off goes on when it is run again with the same file.
    """
    from app.care.files import lines_of
    from app.care.filling import filled
    from app.cli.progress import progress

    if file != _DASH and not file.exists():
        raise Refused(f"There is no file {file}")
    with lines_of(None if file == _DASH else file) as lines, progress("Importing") as advance:
        done = filled(where, lines, advance)
    for partition, position in sorted(done.resumed.items()):
        click.echo(f"resumed at position {partition}:{position}", err=True)
    for damaged in done.damaged:
        click.echo(f"Cannot be read, as in the log that was exported: {damaged}")
    places = ", ".join(f"{partition}:{at}" for partition, at in sorted(done.positions.items()))
    if done.was_there:
        click.echo(f"The log has all of it already, up to {places}", err=True)
    else:
        click.echo(f"imported up to {places}", err=True)
        click.echo("Nobody has a password or a token yet: `sessionary users passwd NAME`", err=True)
    if done.damaged:
        sys.exit(DIFFERENCE)
