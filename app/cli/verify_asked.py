"""What `verify` is to look at, and what it is given to compare with."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import Struct

from app.cli.exit_codes import Refused

if TYPE_CHECKING:
    from app.proof.given import Given
    from app.proof.notes import VerifierKey

PARTS = ("log", "views", "proof")


class Asked(Struct, frozen=True):
    """What to look at."""

    parts: frozenset[str]
    given: "Sequence[Given]"
    keys: "Sequence[VerifierKey]"
    since: dict[int, int]
    must_show: bool
    """Whether it is an error if nothing shows that the events are those that were written."""
    receipts: Sequence[tuple[Path, bytes]] = ()
    """To be checked in place of the log."""


def what_is_asked(
    named: Collection[str],
    files: Sequence[Path],
    keys: Sequence[str],
    since: Sequence[str],
    receipts: Sequence[Path],
) -> Asked:
    """What the options say; `named`: the parts that were named, none for all.

    Raises UsageError, Refused; and Unproven for a file of checkpoints that holds none.
    """
    from app.proof.brought import WrongUse, keys_of, read_file
    from app.proof.given import checkpoints_in
    from app.proof.receipt import MAX_RECEIPT_BYTES

    if receipts and (since or named):
        raise click.UsageError("--receipt goes with --key, --checkpoint and --output alone")
    parts = set(named or PARTS) | ({"proof"} if files else set())
    if "proof" not in parts and (keys or since):
        raise click.UsageError("--key and --since go with --proof, --checkpoint or --receipt")
    places = dict(map(_place, since))
    if len(places) < len(since):
        raise click.UsageError("--since is given twice for one partition")
    try:
        known = keys_of(keys)
        given = [each for path in files for each in checkpoints_in(path)]
        texts = [(path, read_file(str(path), MAX_RECEIPT_BYTES)) for path in receipts]
    except (WrongUse, OSError) as error:
        raise Refused(f"What was given cannot be used: {error}") from error
    must_show = "proof" in named or bool(files)
    return Asked(frozenset(parts), given, known, places, must_show, texts)


def _place(text: str) -> tuple[int, int]:
    partition, _, position = text.partition(":")
    if not (partition.isascii() and partition.isdecimal() and len(partition) < 10) or not (
        position.isascii() and position.isdecimal() and len(position) < 19
    ):
        raise click.BadParameter(f"{text!r} is no position such as 0:17", param_hint="--since")
    return int(partition), int(position)
