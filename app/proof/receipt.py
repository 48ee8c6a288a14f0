"""Receipts of erasures: a line of JSON each, signed by the log, that shows the erasure in it.

Only the standard library is imported: this is a part of the verifier that is handed out.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from app.proof.leaves import Event, read_leaf
from app.proof.notes import (
    Checkpoint,
    Note,
    Signature,
    VerifierKey,
    from_base64,
    parse_note,
    parse_signature,
)
from app.proof.one_line import one_line
from app.proof.signed import event_time, partition_of_origin, signed_checkpoint
from app.proof.trees import Unproven, leaf_hash, verify_consistency, verify_inclusion

RECEIPT_FORM = "sessionary/receipt/v1"
MAX_RECEIPT_BYTES = 1 << 27
_MISSHAPEN = (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError)
_ERASURE = ".personal_data_erased.v1"


class Receipt(NamedTuple):
    """A receipt as it was read; its signatures are not verified."""

    body: Mapping[str, Any]
    """All members but the last one, `signatures`, in their order."""
    note: Note
    """The members as a line of JSON, and the signatures of that line."""

    def __str__(self) -> str:
        """The file, a line."""
        lines = [str(each).removesuffix("\n") for each in self.note.signatures]
        return receipt_line({**self.body, "signatures": lines})


class Trees(NamedTuple):
    """What a receipt says of a partition: its trees before the erasure and after it."""

    before: Checkpoint | None
    after: Checkpoint | None
    """None: the receipt was issued before the tree had the erasure."""


def receipt_line(members: Mapping[str, Any]) -> str:
    """The exact text of members: JSON without spaces, on a line."""
    text = json.dumps(members, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return one_line(text.encode()).decode() + "\n"


def signed_receipt(body: Mapping[str, Any], signatures: Iterable[Signature]) -> Receipt:
    """The receipt of a body, and of signatures of its `receipt_line`."""
    return Receipt(body, Note(receipt_line(body), tuple(signatures)))


def parse_receipts(data: bytes) -> list[Receipt]:
    """The receipts in some bytes, a line each, at least one. Raises Unproven."""
    lines = data.split(b"\n")
    if lines.pop() or not lines:
        raise Unproven("A receipt is a line with its end: the file is empty, or was cut off")
    return [_parse_receipt(line + b"\n", number) for number, line in enumerate(lines, 1)]


def _parse_receipt(line: bytes, number: int) -> Receipt:
    try:
        members = json.loads(line)
        body = dict(members)
        signatures = tuple(parse_signature(str(each)) for each in body.pop("signatures"))
        found = signed_receipt(body, signatures)
        is_whole = str(found).encode() == line
    except Unproven as error:
        raise Unproven(f"Line {number} is not a receipt: {error}") from error
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise Unproven(
            f"Line {number} is not a receipt: it is no object of JSON that has signatures"
        ) from error
    if body.get("form") != RECEIPT_FORM:
        raise Unproven(f"Line {number} is not of the form {RECEIPT_FORM}")
    if not is_whole:
        raise Unproven(f"Line {number} is written in another way than receipts are: it was altered")
    return found


def show_receipt(
    receipt: Receipt,
    keys: Sequence[VerifierKey],
    witnesses: Sequence[VerifierKey] = (),
    kept: Mapping[int, Sequence[Checkpoint]] | None = None,
) -> tuple[list[str], list[str]]:
    """What a receipt shows, and what is not checked; `kept`: verified checkpoints, by partition.

    Raises Unproven.
    """
    body = receipt.body
    try:
        own = [key for key in keys if key.name.rpartition("/")[0] == body["log"]]
        if not own:
            raise Unproven(f"The receipt is of the log {body['log']}, of which no key was given")
        if len(receipt.note.verified_by(own)) != len(receipt.note.signatures):
            raise Unproven("The receipt has a signature by a key that was not given")
        trees = dict(_trees(each, str(body["log"]), own, witnesses) for each in body["partitions"])
        shown = [_show_session(each, body, trees) for each in body["sessions"]]
    except _MISSHAPEN as error:
        raise Unproven(
            f"The receipt lacks something, or has it in another form: {error}"
        ) from error
    name = f"the receipt {body['id']}, asked for by {body['askedBy']}"
    compared, not_checked = _compare(trees, kept or {})
    return [f"{name}, with {len(shown)} sessions", *shown, *compared], [
        *not_checked,
        "whether a later checkpoint of the log goes on from those of the receipt",
        "whether copies of the database from before the erasure are left",
    ]


def _trees(
    told: Mapping[str, Any], log: str, keys: Sequence[VerifierKey], witnesses: Sequence[VerifierKey]
) -> tuple[int, Trees]:
    """A partition's trees, shown to belong together. Raises Unproven."""
    partition, origin = int(told["partition"]), f"{log}/{told['partition']}"
    found = Trees(
        _checkpoint_of(told["before"], origin, keys, ()),
        _checkpoint_of(told["after"], origin, keys, witnesses),
    )
    if found.before is not None and found.after is not None:
        hashes = [from_base64(each, "hash of the receipt") for each in told["consistency"]]
        before, after = found.before, found.after
        verify_consistency(before.size, before.root, after.size, after.root, hashes)
    return partition, found


def _checkpoint_of(
    text: str | None, origin: str, keys: Sequence[VerifierKey], witnesses: Sequence[VerifierKey]
) -> Checkpoint | None:
    if text is None:
        return None
    found = signed_checkpoint(parse_note(text.encode()), keys, witnesses)
    if found.origin != origin:
        raise Unproven(f"A checkpoint of the receipt is of {found.origin}, not of {origin}")
    return found


def _show_session(
    told: Mapping[str, Any], body: Mapping[str, Any], trees: Mapping[int, Trees]
) -> str:
    """That the event of a session's erasure is in the log. Raises Unproven."""
    name = f"The erasure of {told['sessionId']}"
    partition, _, position = told["fence"].partition(":")
    before, after = trees[int(partition)]
    if after is None or told["proof"] is None:
        raise Unproven(
            f"{name} is not in a signed checkpoint yet, as far as the receipt goes: get the "
            f"receipt {body['id']} again"
        )
    leaf = from_base64(told["proof"]["leaf"], "leaf of the receipt")
    event = read_leaf(leaf)
    hashes = [from_base64(each, "hash of the receipt") for each in told["proof"]["hashes"]]
    verify_inclusion(leaf_hash(leaf), event.position - 1, after.size, hashes, after.root)
    if (event.partition, event.position) != (int(partition), int(position)):
        raise Unproven(f"{name}: the receipt proves another event than the one at its fence")
    if not _is_of_session(event, told):
        raise Unproven(f"{name}: the event in the log says something else than the receipt")
    if told["erasureId"] == body["id"]:
        if not _is_of_receipt(event, told, body):
            raise Unproven(
                f"{name}: the event in the log has another reason, actor, approver or subject"
            )
        if before is not None and before.size >= event.position:
            raise Unproven(f"{name}: the checkpoint before it covers it already")
    for scope in told["scopes"]:
        if not _has_positions(scope, partition, int(position)):
            raise Unproven(f"{name}: its positions are not those of {scope['events']} events")
    subjects = " and ".join(each["subject"] for each in told["scopes"])
    return (
        f"personal data ({subjects}) of {told['sessionId']} was erased by event {told['fence']} at "
        f"{told['recordedAt']}, in the log from its checkpoint of {after.size} on"
    )


def _has_positions(scope: Mapping[str, Any], partition: str, fence: int) -> bool:
    """Whether the positions of a scope are as many as its events, in order, before the fence."""
    last = count = 0
    for each in scope["positions"]:
        home, _, span = each.partition(":")
        low, _, high = span.partition("-")
        first, until = int(low), int(high or low)
        if home != partition or not last < first <= until < fence:
            return False
        last, count = until, count + until - first + 1
    return bool(count == scope["events"])


def _is_of_session(event: Event, told: Mapping[str, Any]) -> bool:
    state = json.loads(event.state)
    return event.topic == told["kind"] + _ERASURE and (
        str(event.stream), event.version, str(event.event_id), state["erasure_id"],
        event_time(event),
    ) == (
        told["stream"], told["version"], told["eventId"], told["erasureId"], told["recordedAt"],
    )  # fmt: skip


def _is_of_receipt(event: Event, told: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
    state = json.loads(event.state)
    subjects = [each["subject"] for each in told["scopes"]]
    return (event.actor, state.get("approved_by"), state["reason"], state["subjects"]) == (
        body["askedBy"], body["approvedBy"], body["reason"], subjects,
    )  # fmt: skip


def _compare(
    trees: Mapping[int, Trees], kept: Mapping[int, Sequence[Checkpoint]]
) -> tuple[list[str], list[str]]:
    """Compare the trees with checkpoints from outside. Raises Unproven."""
    shown, not_checked = list[str](), list[str]()
    for checkpoint in (each for its in kept.values() for each in its):
        partition = partition_of_origin(checkpoint.origin)
        own = [tree for tree in trees.get(partition, ()) if tree is not None]
        if any(tree.origin != checkpoint.origin for tree in own):
            raise Unproven(f"The kept checkpoint is of {checkpoint.origin}, another log")
        same = [tree for tree in own if tree.size == checkpoint.size]
        if any(tree.root != checkpoint.root for tree in same):
            raise Unproven(
                f"The kept checkpoint of {checkpoint.size} events of {checkpoint.origin} has "
                "another root than the receipt's: there are two logs"
            )
        if same:
            shown.append(f"its checkpoint of {checkpoint.size} events is the one that was kept")
        else:
            not_checked.append(
                f"the kept checkpoint of {checkpoint.size} events of {checkpoint.origin}: the "
                "receipt has none of that size"
            )
    return shown, not_checked
