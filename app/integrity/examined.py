"""What an examination of the log found, and what of it the caller's own means do not fit."""

from collections.abc import Sequence

from msgspec import Struct, field

from app.proof.given import Given
from app.proof.notes import VerifierKey

_MAX_DIFFERENCES = 100
Place = tuple[int, int]
"""A partition, and a position there."""


class Examined(Struct):
    """What was looked at, and what was found."""

    checked: list[str] = field(default_factory=list)
    not_checked: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    first_bad: Place | None = None
    up_to: dict[int, int] = field(default_factory=dict)
    """The last position of each partition."""
    covered: bool = True
    """Whether a checkpoint shows the beginning of each partition that has events."""

    def bad(self, sentence: str) -> None:
        """Take down a difference, unless there are too many."""
        if len(self.differences) < _MAX_DIFFERENCES:
            self.differences.append(sentence)


def say_what_is_foreign(
    found: Examined, name: str, given: Sequence[Given], keys: Sequence[VerifierKey],
    since: dict[int, int],
) -> None:  # fmt: skip
    """Add what was given that is not of the log of that name; `since`: by partition."""
    origins = {f"{name}/{partition}" for partition in found.up_to}
    found.differences += [
        f"{each.source}: the checkpoint is of {each.checkpoint.origin}, not of this log, {name}"
        for each in given
        if each.checkpoint.origin not in origins
    ]
    found.differences += [
        f"The key {key.name}+{key.key_id.hex()} is of another log than this one, {name}"
        for key in keys
        if key.name not in origins
    ]
    for partition, position in sorted(since.items()):
        end = found.up_to.get(partition)
        if end is None:
            found.differences.append(
                f"There is no event {partition}:{position} (--since): the log has no partition "
                f"{partition}"
            )
        elif position > end:
            found.differences.append(
                f"There is no event {partition}:{position} (--since): the log ends at "
                f"{partition}:{end}. Its tail was cut off, or the position is of another log"
            )


def say_what_is_missing(
    found: Examined, given: Sequence[Given], keys: Sequence[VerifierKey]
) -> None:
    """Add what is not detected without a checkpoint or a key from outside."""
    if not given:
        found.not_checked.append(
            "No checkpoint was given that somebody else kept (--checkpoint): a tail that was cut "
            "off together with the checkpoints of it, and a log that was written anew, are not "
            "detected"
        )
    if not keys:
        found.not_checked.append(
            "No public key was given (--key): the keys are those that the database names, and one "
            "that was replaced is not detected"
        )
