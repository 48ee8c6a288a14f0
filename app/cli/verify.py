"""`verify`: the log, its tree, its checkpoints and its views, and what was not checked."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli.exit_codes import DIFFERENCE
from app.cli.options import on_data
from app.cli.verify_asked import Asked, what_is_asked
from app.cli.verify_receipt import Verdict, verdict_on

if TYPE_CHECKING:
    from app.integrity.examined import Examined
    from app.log.keyring import Keyring
    from app.maintenance.store import Connection, DataLocation

_FILE = click.Path(dir_okay=False, exists=True, path_type=Path)


@click.command()
@click.option("--log", "log", is_flag=True, help="Positions, times, guards and rights of the log.")
@click.option("--views", is_flag=True, help="Views and histories equal the log.")
@click.option(
    "--proof",
    is_flag=True,
    help="Hash all events again: they are those that signed checkpoints cover, else 1.",
)
@click.option(
    "--checkpoint",
    "files",
    type=_FILE,
    multiple=True,
    metavar="FILE",
    help="A checkpoint that somebody else kept; may repeat. Implies --proof.",
)
@click.option(
    "--key",
    "keys",
    multiple=True,
    metavar="VKEY",
    help="The log's public key that somebody else kept, or a file with keys; may repeat.",
)
@click.option(
    "--receipt",
    "receipts",
    type=_FILE,
    multiple=True,
    metavar="FILE",
    help="Check receipts of erasures instead; with --key no database is needed. May repeat.",
)
@click.option(
    "--since",
    multiple=True,
    metavar="POSITION",
    help="Hash only events after one such as 0:17, in its partition; may repeat.",
)
@click.option(
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to show it.",
)
@on_data
def verify(
    where: "DataLocation",
    log: bool,
    views: bool,
    proof: bool,
    files: tuple[Path, ...],
    keys: tuple[str, ...],
    receipts: tuple[Path, ...],
    since: tuple[str, ...],
    output: str,
) -> None:
    """Check log, tree, checkpoints and views: all of them, unless some are named."""
    from app.cli.work import on_log
    from app.proof.trees import Unproven

    flags = {"log": log, "views": views, "proof": proof}
    named = {name for name, is_named in flags.items() if is_named}
    try:
        asked = what_is_asked(named, files, keys, since, receipts)
    except Unproven as error:
        _end(Verdict(ok=False, differences=[str(error)]), output)
        return
    if receipts:
        _end(verdict_on(asked, where), output)
        return

    async def work(store: "Connection", keyring: "Keyring") -> tuple[Verdict, list[str]]:
        return await _verified(store, keyring, asked)

    verdict, troubles = on_log(where, work, looks=True)
    for trouble in troubles:
        click.echo(f"Warning: {trouble}", err=True)
    _end(verdict, output)


def _end(verdict: Verdict, output: str) -> None:
    _print(verdict, output)
    if not verdict.ok:
        sys.exit(DIFFERENCE)


async def _verified(
    store: "Connection", keyring: "Keyring", asked: Asked
) -> tuple[Verdict, list[str]]:
    from app.cli.progress import progress
    from app.integrity import authenticity, guards
    from app.integrity import verify as verifying
    from app.integrity.positions import warnings
    from app.log.read import heads
    from app.operations.deeds import Covers, Recorder

    deed, verdict = Recorder("verify"), Verdict()
    up_to = {head.partition: head.position for head in await heads(store)}
    troubles = [*await guards.changed_collations(store), *await warnings(store)]
    if "log" in asked.parts:
        verdict.differences += await guards.missing(store)
    if asked.parts & verifying.PARTS:
        with progress("Verifying") as advance:
            verdict.differences += await verifying.verify(store, keyring, advance, asked.parts)
    for part, sentence in (
        ("log", "Positions and versions have no hole, and the guards of the log are in place"),
        ("views", "The histories and the views equal the log"),
    ):
        if part not in asked.parts:
            verdict.not_checked.append(f"{part.capitalize()}: not asked for")
        elif not verdict.differences:
            verdict.checked.append(sentence)
    if "proof" in asked.parts:
        with progress("Hashing") as advance:
            found = await authenticity.examine(store, asked.given, asked.keys, asked.since, advance)
        _add(verdict, found, asked)
    else:
        verdict.not_checked.append(
            "Tree and checkpoints: not asked for, so what the events say is taken as it is"
        )
    verdict.ok = verdict.ok and not verdict.differences
    count = len(verdict.differences)
    told = f"{count} differences" if count else "no difference"
    covers = Covers(up_to=up_to, checked=verdict.checked, not_checked=verdict.not_checked)
    await deed.end(store.raw, told, well=verdict.ok, covers=covers)
    return verdict, troubles


def _add(verdict: Verdict, found: "Examined", asked: Asked) -> None:
    verdict.checked += found.checked
    verdict.not_checked += found.not_checked
    verdict.differences += found.differences
    if found.first_bad is not None:
        verdict.first_bad_position = "{}:{}".format(*found.first_bad)
    if asked.must_show and not found.covered:
        verdict.ok = False
        verdict.not_checked.append(
            "That the events are those that were written is not shown: no signed checkpoint "
            "covers them"
        )


def _print(verdict: Verdict, output: str) -> None:
    from app.cli.output import plain, print_json

    if output == "json":
        print_json(verdict)
        return
    for difference in verdict.differences:
        click.echo(plain(difference))
    if verdict.first_bad_position is not None:
        click.echo(f"The first bad position is {verdict.first_bad_position}")
    for sentence in verdict.checked:
        click.echo(sentence, err=True)
    for sentence in verdict.not_checked:
        click.echo(f"Not checked: {sentence}", err=True)
