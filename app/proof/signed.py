"""What signed checkpoints and proof files show, by keys that somebody was given beforehand.

Only the standard library is imported: this is a part of the verifier that is handed out.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from app.proof.checking import Kept
from app.proof.leaves import Event, read_leaf
from app.proof.notes import Checkpoint, Note, VerifierKey, decimal, parse_note
from app.proof.proof_file import TlogProof
from app.proof.trees import Unproven, leaf_hash, verify_inclusion


def signed_checkpoint(
    note: Note, keys: Iterable[VerifierKey], witnesses: Sequence[VerifierKey] = ()
) -> Checkpoint:
    """The checkpoint of a note that the log signed, and each of the witnesses. Raises Unproven."""
    checkpoint = Checkpoint.parse(note.text)
    own = [key for key in keys if key.name == checkpoint.origin]
    if not own:
        raise Unproven(f"The checkpoint is of {checkpoint.origin}, of which no key was given")
    note.verified_by(own)
    for witness in witnesses:
        if not note.verified_by([witness])[witness]:
            raise Unproven(f"The signature of the witness {witness.name} has no time")
    return checkpoint


def partition_of_origin(origin: str) -> int:
    """The partition that a checkpoint is of: its origin ends with it. Raises Unproven."""
    return decimal(origin.rpartition("/")[2], "partition at the end of the origin")


def by_partition(checkpoints: Iterable[Checkpoint]) -> Kept:
    """Signed checkpoints of one log, by partition. Raises Unproven, also if the log was forked."""
    kept: dict[int, list[Checkpoint]] = {}
    roots: dict[tuple[str, int], bytes] = {}
    for checkpoint in checkpoints:
        root = roots.setdefault((checkpoint.origin, checkpoint.size), checkpoint.root)
        if root != checkpoint.root:
            raise Unproven(
                f"Two different checkpoints of {checkpoint.size} events of {checkpoint.origin} are "
                "signed: the log was replaced or forked"
            )
        kept.setdefault(partition_of_origin(checkpoint.origin), []).append(checkpoint)
    names = {each.origin.rpartition("/")[0] for its in kept.values() for each in its}
    if len(names) > 1:
        raise Unproven(f"The checkpoints are of several logs: {', '.join(sorted(names))}")
    return kept


class Along(NamedTuple):
    """What the signed checkpoints say that came along with events."""

    kept: Kept
    """Those that a key from outside has signed."""
    wrong: Sequence[str]
    not_checked: Sequence[str]


def checkpoints_along(notes: Mapping[str, str], keys: Sequence[VerifierKey]) -> Along:
    """The checkpoints that an export ends with, by partition, as far as given keys tell."""
    kept, wrong, not_checked = dict[int, list[Checkpoint]](), list[str](), list[str]()
    for partition, text in notes.items():
        name = f"the checkpoint of partition {partition} that the export ends with"
        try:
            note = parse_note(text.encode(errors="surrogatepass"))
            origin = Checkpoint.parse(note.text).origin
            if origin.rpartition("/")[2] != partition:
                raise Unproven(f"It is of {origin}")
            own = {(key.name, key.key_id) for key in keys if key.name == origin}
            if own.isdisjoint((each.name, each.key_id) for each in note.signatures):
                not_checked.append(f"{name}: it is not signed by a key that was given")
                continue
            found = signed_checkpoint(note, keys)
            kept.setdefault(partition_of_origin(origin), []).append(found)
        except Unproven as error:
            wrong.append(f"{name[0].upper()}{name[1:]} shows nothing: {error}")
    if not notes:
        not_checked.append("a checkpoint that the export ends with: it has none")
    return Along(kept, wrong, not_checked)


def show_checkpoint(
    note: Note, keys: Sequence[VerifierKey], witnesses: Sequence[VerifierKey]
) -> str:
    """What a checkpoint says, and who signed it. Raises Unproven."""
    checkpoint = signed_checkpoint(note, keys, witnesses)
    signers = [
        key.name if time_s is None else f"{key.name} at {_time(time_s * 1_000_000)}"
        for key, time_s in note.verified_by([*keys, *witnesses]).items()
    ]
    return (
        f"the checkpoint of {checkpoint.size} events of {checkpoint.origin}, "
        f"root {checkpoint.root.hex()}, signed by {' and '.join(signers)}"
    )


def described(event: Event) -> str:
    """An event in a few words."""
    return (
        f"event {event.partition}:{event.position}, {event.topic}, version {event.version} of "
        f"stream {event.stream}, by {event.actor} at {event_time(event)}"
    )


def event_time(event: Event) -> str:
    """When an event was recorded, in UTC: `2026-11-21T10:00:00.000000Z`."""
    return _time(event.recorded_at_us)


def _time(since_1970_us: int) -> str:
    try:
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=since_1970_us)
    except OverflowError:
        return f"{since_1970_us} microseconds since 1970"
    return f"{at:%Y-%m-%dT%H:%M:%S.%f}Z"


def show_proof(
    proof: TlogProof,
    leaf: bytes | None,
    keys: Sequence[VerifierKey],
    witnesses: Sequence[VerifierKey],
) -> str:
    """What a proof shows; `leaf`: of the event, if the proof does not hold it. Raises Unproven."""
    if leaf is not None and proof.extra not in (None, leaf):
        raise Unproven("The event that was given is not the one in the proof: a column differs")
    leaf = leaf or proof.extra
    if leaf is None:
        raise Unproven("The proof does not hold its event: give the event's line with --event")
    event, checkpoint = read_leaf(leaf), signed_checkpoint(proof.note, keys, witnesses)
    partition = partition_of_origin(checkpoint.origin)
    if (event.partition, event.position - 1) != (partition, proof.leaf_index):
        raise Unproven(
            f"The proof is of {partition}:{proof.leaf_index + 1}, but its event is "
            f"{event.partition}:{event.position}"
        )
    verify_inclusion(
        leaf_hash(leaf), proof.leaf_index, checkpoint.size, proof.hashes, checkpoint.root
    )
    return f"{described(event)}: in {checkpoint.origin} from its checkpoint of {checkpoint.size} on"
