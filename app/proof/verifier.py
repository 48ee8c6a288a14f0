"""Checks proofs, exports and databases against signed checkpoints that somebody else kept.

Only Python and `cryptography` are needed, and psql for a database. What was changed or cut off is
detected from a checkpoint on that is given from outside; nothing that is stored is believed.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO

from app.proof.checking import Kept, Verdict, check
from app.proof.copied import Unreadable, events_in, hashes_in
from app.proof.exported import Export, event_columns
from app.proof.leaves import LEAF_FORM, Event, leaf_data, packed, read_leaf
from app.proof.notes import (
    MAX_NOTE_BYTES,
    Checkpoint,
    Note,
    Signature,
    VerifierKey,
    parse_note,
    parse_notes,
    parse_signature,
)
from app.proof.proof_file import MAX_PROOF_BYTES, TlogProof, parse_proofs
from app.proof.receipt import MAX_RECEIPT_BYTES, Receipt, parse_receipts, show_receipt
from app.proof.signed import kept_checkpoints, show_checkpoint, show_proof
from app.proof.trees import (
    EMPTY_ROOT,
    Frontier,
    Unproven,
    leaf_hash,
    node_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)

__all__ = (
    "EMPTY_ROOT", "Checkpoint", "Event", "Frontier", "Note", "Receipt", "Signature", "TlogProof",
    "Unproven", "VerifierKey", "leaf_data", "leaf_hash", "node_hash", "parse_note", "parse_notes",
    "parse_proofs", "parse_receipts", "parse_signature", "read_leaf", "root_of", "show_receipt",
    "verify_consistency", "verify_inclusion",
)  # fmt: skip

SHOWN, NOT_SHOWN, WRONG_USE = 0, 1, 2
_ZSTANDARD = b"\x28\xb5\x2f\xfd"
_MAX_LINE = 1 << 27


class WrongUse(Exception):
    """What was asked for cannot be done; the message is a sentence."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit code is 0 if it is shown, 1 if it is not, 2 for wrong use."""
    asked = _parser().parse_args(arguments)
    try:
        keys, witnesses = _keys(asked.key), _keys(asked.witness)
        verdict = _COMMANDS[asked.command](asked, keys, witnesses)
    except Unproven as error:
        verdict = Verdict(wrong=[str(error)])
    except (WrongUse, Unreadable, OSError) as error:
        sys.stderr.write(f"verifier: {error}\n")
        return WRONG_USE
    if not verdict.checked and not verdict.wrong:
        verdict.fail("The checkpoints that were given cover no event")
    sys.stdout.write(_as_json(verdict) if asked.json else _in_words(verdict))
    return NOT_SHOWN if verdict.wrong else SHOWN


def _signed() -> argparse.ArgumentParser:
    signed = argparse.ArgumentParser(add_help=False)
    signed.add_argument(
        "--key", action="append", required=True, metavar="VKEY",
        help="the log's public key, or a file of keys (with no + in its name); may be given again",
    )  # fmt: skip
    signed.add_argument(
        "--witness", action="append", default=[], metavar="VKEY",
        help="the public key of a witness that has to have signed, too; may be given again",
    )  # fmt: skip
    signed.add_argument("--json", action="store_true", help="print the result as JSON")
    return signed


def _parser() -> argparse.ArgumentParser:
    signed = _signed()
    kept = argparse.ArgumentParser(add_help=False, parents=[signed])
    kept.add_argument(
        "--checkpoint", action="append", required=True, metavar="NOTE",
        help="a file of checkpoints that you kept; may be given again",
    )  # fmt: skip
    parser = argparse.ArgumentParser(prog="verifier", description=__doc__, allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)
    proof = commands.add_parser("proof", parents=[signed], help="that events are in the log")
    proof.add_argument("file", help="proofs (.tlog-proof)")
    proof.add_argument("--event", help="a file with the event's line in an export")
    export = commands.add_parser("export", parents=[kept], help="that an export is the log")
    export.add_argument("file", help="lines as `sessionary export` writes them; -: standard input")
    database = commands.add_parser("database", parents=[kept], help="that a database has the log")
    database.add_argument("url", help="as psql takes it")
    receipt = commands.add_parser("receipt", parents=[signed], help="that erasures are in the log")
    receipt.add_argument("file", help="receipts, a line each; -: standard input")
    receipt.add_argument(
        "--checkpoint", action="append", default=[], metavar="NOTE",
        help="a file of checkpoints that you kept, to compare with; may be given again",
    )  # fmt: skip
    checkpoint = commands.add_parser("checkpoint", parents=[signed], help="who signed it")
    checkpoint.add_argument("file", help="checkpoints")
    return parser


def _proof(
    asked: argparse.Namespace, keys: Sequence[VerifierKey], witnesses: Sequence[VerifierKey]
) -> Verdict:
    leaf = None
    if asked.event is not None:
        line = _read(asked.event, _MAX_LINE).removesuffix(b"\n") + b"\n"
        leaf = LEAF_FORM + packed(*event_columns(line))
    proofs = parse_proofs(_read(asked.file, MAX_PROOF_BYTES))
    if leaf is not None and len(proofs) > 1:
        raise WrongUse("--event goes with a file of one proof")
    return Verdict(
        [show_proof(proof, leaf, keys, witnesses) for proof in proofs],
        ["whether a later checkpoint of the log goes on from this one", "all other events"],
    )


def _export(
    asked: argparse.Namespace, keys: Sequence[VerifierKey], witnesses: Sequence[VerifierKey]
) -> Verdict:
    kept = _kept(asked, keys, witnesses)
    with _lines(asked.file) as lines:
        verdict = check(Export(lines).events(), kept)
    verdict.not_checked.append(
        "of an export: the session ids that stand beside streams, its keys, its chain, and the "
        "checkpoints that it ends with"
    )
    return verdict


def _database(
    asked: argparse.Namespace, keys: Sequence[VerifierKey], witnesses: Sequence[VerifierKey]
) -> Verdict:
    def stored(partition: int) -> bytes:
        try:
            return hashes_in(asked.url, partition)
        except Unreadable:
            return b""  # the tree's own hashes only help to find a place

    kept = _kept(asked, keys, witnesses)
    sizes = {partition: max(each.size for each in its) for partition, its in kept.items()}
    verdict = check(events_in(asked.url, sizes), kept, stored)
    verdict.not_checked.append(
        "of a database: events behind these checkpoints, views and histories, keys, and accounts"
    )
    return verdict


def _checkpoint(
    asked: argparse.Namespace, keys: Sequence[VerifierKey], witnesses: Sequence[VerifierKey]
) -> Verdict:
    notes = parse_notes(_read(asked.file, MAX_NOTE_BYTES))
    kept_checkpoints(notes, keys, witnesses)
    shown = [show_checkpoint(note, keys, witnesses) for note in notes]
    return Verdict(shown, ["the events that these checkpoints cover"])


def _receipt(
    asked: argparse.Namespace, keys: Sequence[VerifierKey], witnesses: Sequence[VerifierKey]
) -> Verdict:
    verdict, kept = Verdict(), _kept(asked, keys, ())
    for receipt in parse_receipts(_read(asked.file, MAX_RECEIPT_BYTES)):
        shown, not_checked = show_receipt(receipt, keys, witnesses, kept)
        verdict.checked += shown
        verdict.not_checked += [each for each in not_checked if each not in verdict.not_checked]
    return verdict


_COMMANDS = {
    "proof": _proof, "export": _export, "database": _database, "checkpoint": _checkpoint,
    "receipt": _receipt,
}  # fmt: skip


def _kept(
    asked: argparse.Namespace, keys: Sequence[VerifierKey], witnesses: Sequence[VerifierKey]
) -> Kept:
    files = (_read(file, MAX_NOTE_BYTES) for file in asked.checkpoint)
    return kept_checkpoints([note for file in files for note in parse_notes(file)], keys, witnesses)


def _keys(given: Sequence[str]) -> list[VerifierKey]:
    found: list[VerifierKey] = []
    for text in given:
        try:
            lines = [text] if "+" in text else _read(text, MAX_NOTE_BYTES).decode().split()
            found += map(VerifierKey.parse, lines)
        except (Unproven, UnicodeDecodeError) as error:
            raise WrongUse(f"A key cannot be read: {error}") from error
    return found


def _read(file: str, most: int) -> bytes:
    with open(0 if file == "-" else file, "rb") as opened:
        found = opened.read(most + 1)
    if len(found) > most:
        raise WrongUse(f"{file} has more than {most} bytes")
    return found


@contextmanager
def _lines(file: str) -> Iterator[Iterator[bytes]]:
    with open(0 if file == "-" else file, "rb") as opened:
        if opened.peek(4)[:4] == _ZSTANDARD:
            yield _unpacked(opened)
        else:
            yield iter(lambda: opened.readline(_MAX_LINE), b"")


def _unpacked(opened: IO[bytes]) -> Iterator[bytes]:
    try:
        if sys.version_info >= (3, 14):
            from compression import zstd
        else:
            from backports import zstd
    except ImportError as error:
        raise WrongUse(
            "The export is compressed, which this Python cannot read: try "
            "`zstd -dc FILE | python verifier.py export - …`, or install backports.zstd"
        ) from error
    with zstd.open(opened) as lines:
        try:
            while line := lines.readline(_MAX_LINE):
                yield line
        except (EOFError, zstd.ZstdError) as error:
            raise Unproven(
                f"The export is cut off, or what is compressed was altered: {error}"
            ) from error


def _in_words(verdict: Verdict) -> str:
    lines = [f"shown: {text}" for text in verdict.checked]
    lines += [f"NOT SHOWN: {text}" for text in verdict.wrong]
    if verdict.first_bad is not None:
        lines.append("first bad position: {}:{}".format(*verdict.first_bad))
    lines += [f"not checked: {text}" for text in verdict.not_checked]
    return "".join(f"{line}\n" for line in lines)


def _as_json(verdict: Verdict) -> str:
    bad = verdict.first_bad
    return json.dumps({
        "ok": not verdict.wrong,
        "checked": verdict.checked,
        "notChecked": verdict.not_checked,
        "firstBadPosition": None if bad is None else f"{bad[0]}:{bad[1]}",
        "differences": verdict.wrong,
    }) + "\n"  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
