"""`verify --receipt`: receipts of erasures, by the same functions as the verifier's, offline."""

from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from app.cli.verify_asked import Asked
    from app.log.keyring import Keyring
    from app.maintenance.store import Connection, DataLocation
    from app.proof.notes import VerifierKey


class Verdict(Struct, rename="camel"):
    """What came of a verification."""

    ok: bool = True
    checked: list[str] = field(default_factory=list)
    not_checked: list[str] = field(default_factory=list)
    first_bad_position: str | None = None
    differences: list[str] = field(default_factory=list)


def verdict_on(asked: "Asked", where: "DataLocation") -> Verdict:
    """What receipts show; without keys, those that the database names are taken."""
    from app.proof.receipt import parse_receipts, show_receipt
    from app.proof.signed import by_partition, signed_checkpoint
    from app.proof.trees import Unproven

    keys = asked.keys
    verdict = Verdict()
    if not keys:
        keys = _own_keys(where)
        verdict.not_checked.append(
            "No public key was given (--key): the keys are those that the database names"
        )
    for file, text in asked.receipts:
        try:
            checkpoints = by_partition(signed_checkpoint(each.note, keys) for each in asked.given)
            for receipt in parse_receipts(text):
                shown, not_checked = show_receipt(receipt, keys, kept=checkpoints)
                verdict.checked += shown
                verdict.not_checked += not_checked
        except Unproven as error:
            verdict.differences.append(f"{file}: {error}")
    verdict.not_checked = list(dict.fromkeys(verdict.not_checked))
    verdict.ok = not verdict.differences
    return verdict


def _own_keys(where: "DataLocation") -> "list[VerifierKey]":
    from app.cli.work import on_log
    from app.log.read import heads
    from app.proof.signing import vkeys

    async def work(store: "Connection", keyring: "Keyring") -> "list[VerifierKey]":
        ends = await heads(store)
        return [key for end in ends for key in await vkeys(store, end.partition)]

    return on_log(where, work, looks=True)
