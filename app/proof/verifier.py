"""Checks proofs, exports and databases against signed checkpoints that somebody else kept.

Only Python and `cryptography` are needed, and psql for a database. What was changed or cut off is
detected from a checkpoint on that is given from outside; nothing that is stored is believed.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from app.proof.brought import (
    MAX_LINE_BYTES,
    WrongUse,
    blocks_of,
    kept_in,
    keys_of,
    named,
    read_file,
    signed_in,
)
from app.proof.checking import Hashes, Kept, Taken, Verdict, check, take
from app.proof.copied import Unreadable, events_in, hashes_in
from app.proof.exported import Export, event_columns
from app.proof.leaves import Event, leaf_data, packed, read_leaf
from app.proof.mirrored import hashes_in_tiles
from app.proof.notes import (
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
from app.proof.signed import Along, by_partition, checkpoints_along, show_checkpoint, show_proof
from app.proof.trees import (
    EMPTY_ROOT,
    HASH_BYTES,
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit code is 0 if it is shown, 1 if it is not, 2 for wrong use."""
    asked = _parser().parse_args(arguments)
    try:
        keys, witnesses = keys_of(asked.key), keys_of(asked.witness)
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
    export.add_argument(
        "--tiles", type=Path, metavar="DIR",
        help="a mirror of the log's static tiles, by which an event that was altered is named",
    )  # fmt: skip
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
    checkpoint.add_argument("file", help="checkpoints; -: standard input")
    return parser


def _proof(
    asked: argparse.Namespace, keys: Sequence[VerifierKey], witnesses: Sequence[VerifierKey]
) -> Verdict:
    leaf = None
    if asked.event is not None:
        line = read_file(asked.event, MAX_LINE_BYTES).removesuffix(b"\n") + b"\n"
        leaf = packed(*event_columns(line))
    proofs = parse_proofs(read_file(asked.file, MAX_PROOF_BYTES))
    if leaf is not None and len(proofs) > 1:
        raise WrongUse("--event goes with a file of one proof")
    shown = list[str]()
    for number, proof in enumerate(proofs, 1):
        with named(f"{asked.file}, proof {number}: " if len(proofs) > 1 else ""):
            shown.append(show_proof(proof, leaf, keys, witnesses))
    return Verdict(
        shown,
        ["whether a later checkpoint of the log goes on from this one", "all other events"],
    )


def _export(
    asked: argparse.Namespace, keys: Sequence[VerifierKey], witnesses: Sequence[VerifierKey]
) -> Verdict:
    def mirrored(partition: int) -> bytes:
        size = max(each.size for each in kept[partition])
        return hashes_in_tiles(asked.tiles, partition, size)

    kept = kept_in(asked.checkpoint, keys, witnesses)
    with blocks_of(asked.file) as blocks:
        export = Export(blocks)
        taken = take(export.events())
    along = checkpoints_along(export.notes, keys) if not taken.broken else Along({}, (), ())
    verdict = check(taken, kept, mirrored if asked.tiles else None, along.kept)
    if asked.tiles:
        _compare_tiles(kept, mirrored, verdict)
    if not taken.broken:
        _compare_ends(taken, export.positions, verdict)
    verdict.wrong += along.wrong
    verdict.not_checked += along.not_checked
    verdict.not_checked.append(
        "of an export: the session ids that stand beside streams, its keys and its chain"
    )
    return verdict


def _compare_tiles(kept: Kept, mirrored: Hashes, verdict: Verdict) -> None:
    for partition, checkpoints in kept.items():
        last = max(checkpoints, key=lambda checkpoint: checkpoint.size)
        hashes, name = mirrored(partition), f"the mirror's tiles of partition {partition}"
        if len(hashes) < last.size * HASH_BYTES:
            verdict.not_checked.append(
                f"{name}: they have {len(hashes) // HASH_BYTES} of the {last.size} hashes"
            )
        elif root_of([hashes]) == last.root:
            verdict.checked.append(f"{name}, against the checkpoint of {last.size} events")
        else:
            verdict.fail(f"{name[0].upper()}{name[1:]} are not those of {last.size} events")


def _compare_ends(taken: Taken, told: Mapping[int, int], verdict: Verdict) -> None:
    """Compare the last positions with those that the export says it has."""
    ends = {partition: run.size for partition, run in taken.runs.items()}
    for partition, last in told.items():
        end = ends.get(partition, 0)
        if last != end and not (partition in taken.runs and taken.runs[partition].fault):
            verdict.fail(
                f"Partition {partition}: the export ends at {partition}:{end}, and says that it "
                f"ends at {partition}:{last}",
                partition,
                max(min(last, end), 0) + 1,
            )


def _database(
    asked: argparse.Namespace, keys: Sequence[VerifierKey], witnesses: Sequence[VerifierKey]
) -> Verdict:
    def stored(partition: int) -> bytes:
        try:
            return hashes_in(asked.url, partition)
        except Unreadable:
            return b""  # the tree's own hashes only help to find a place

    kept = kept_in(asked.checkpoint, keys, witnesses)
    sizes = {partition: max(each.size for each in its) for partition, its in kept.items()}
    verdict = check(take(events_in(asked.url, sizes)), kept, stored)
    verdict.not_checked.append(
        "of a database: events behind these checkpoints, views and histories, keys, and accounts"
    )
    return verdict


def _checkpoint(
    asked: argparse.Namespace, keys: Sequence[VerifierKey], witnesses: Sequence[VerifierKey]
) -> Verdict:
    found = signed_in(asked.file, keys, witnesses)
    by_partition(checkpoint for _, checkpoint in found)  # else they are of several logs, or a fork
    shown = [show_checkpoint(note, keys, witnesses) for note, _ in found]
    return Verdict(shown, ["the events that these checkpoints cover"])


def _receipt(
    asked: argparse.Namespace, keys: Sequence[VerifierKey], witnesses: Sequence[VerifierKey]
) -> Verdict:
    verdict, kept = Verdict(), kept_in(asked.checkpoint, keys)
    for receipt in parse_receipts(read_file(asked.file, MAX_RECEIPT_BYTES)):
        shown, not_checked = show_receipt(receipt, keys, witnesses, kept)
        verdict.checked += shown
        verdict.not_checked += [each for each in not_checked if each not in verdict.not_checked]
    return verdict


_COMMANDS = {
    "proof": _proof, "export": _export, "database": _database, "checkpoint": _checkpoint,
    "receipt": _receipt,
}  # fmt: skip


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
