"""What signed checkpoints claim of a partition, and which of these claims show anything.

Whoever owns the log can sign any number of checkpoints with a new key: where a key or a checkpoint
was given from outside, only what rests on these shows that events are as they were.
"""

from collections.abc import Sequence
from typing import NamedTuple

from app.maintenance.store import Connection
from app.proof import checkpoints, signing
from app.proof.given import Given
from app.proof.notes import Checkpoint, Note, VerifierKey
from app.proof.trees import Unproven


class Claim(NamedTuple):
    """What a checkpoint says of a tree."""

    size: int
    root: bytes
    name: str
    """For sentences."""
    shows: bool
    """Whether events that fit it are shown to be as they were."""


async def claims_of(
    store: Connection, origin: str, partition: int, given: Sequence[Given],
    keys: Sequence[VerifierKey],
) -> tuple[list[Claim], list[str]]:  # fmt: skip
    """The claims of those given and those kept whose signatures are good; differences.

    `given`: of this partition; `keys`: all that were given.
    """
    own = [key for key in keys if key.name == origin]
    stored = await signing.vkeys(store, partition)
    claims = list[Claim]()
    wrong = [
        f"The key {key.name}+{key.key_id.hex()} is none of those that the log has had"
        for key in own
        if key not in stored
    ]
    for each in given:
        name = f"{each.source}: the checkpoint of size {each.checkpoint.size}"
        try:
            each.note.verified_by(own if keys else stored)
        except Unproven as error:
            wrong.append(f"{name}: {error}")
        else:
            claims.append(Claim(each.checkpoint.size, each.checkpoint.root, name, shows=True))
    is_outside = bool(given or keys)
    async for kept in checkpoints.all_kept(store, partition):
        name = f"The checkpoint {partition}:{kept.size} of {kept.signed_at:%Y-%m-%d %X}Z"
        try:
            checkpoint, note = kept.parsed()
            note.verified_by(stored)
        except Unproven as error:
            wrong.append(f"{name}: {error}")
            continue
        if (checkpoint.origin, checkpoint.size) != (origin, kept.size):
            wrong.append(f"{name} is in truth that of {checkpoint.origin}:{checkpoint.size}")
            continue
        shows = not is_outside or _is_signed(checkpoint, note, own)
        claims.append(Claim(checkpoint.size, checkpoint.root, name, shows))
    return claims, wrong


def _is_signed(checkpoint: Checkpoint, note: Note, keys: Sequence[VerifierKey]) -> bool:
    try:
        return checkpoint.size > 0 and bool(note.verified_by(keys))
    except Unproven:
        return False
