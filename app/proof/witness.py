"""What a witness does: it cosigns a checkpoint if that goes on from the last one that it cosigned.

C2SP's tlog-witness. The new checkpoint is on disk before anybody gets its cosignature.
"""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct

from app.proof.cosigner import Cosigner
from app.proof.notes import Checkpoint, Note, VerifierKey, parse_note
from app.proof.trees import EMPTY_ROOT, Unproven, verify_consistency
from app.proof.witness_request import (
    AddCheckpoint,
    Inconsistent,
    Malformed,
    OtherSize,
    UnknownOrigin,
    UntrustedKey,
    parse_add_checkpoint,
)
from app.proof.witness_state import Seen, WitnessState
from app.telemetry.logs import with_fields

_LOG = logging.getLogger("sessionary.witness")
_QUIET_S = 60.0
"""Seconds between two like lines on one log: a checkpoint may be sent any number of times."""


def followed(vkeys: Iterable[str]) -> Mapping[str, Sequence[VerifierKey]]:
    """The keys of each log, by its origin, which is their name. Raises Unproven."""
    logs: dict[str, list[VerifierKey]] = {}
    for key in map(VerifierKey.parse, vkeys):
        logs.setdefault(key.name, []).append(key)
    return logs


class _Signed(Struct, frozen=True):
    """A checkpoint that a known log has signed."""

    note: Note
    """With its verified signatures only."""
    checkpoint: Checkpoint


class Witness:
    """Cosigns for some logs; its methods block, and any thread may call them."""

    def __init__(
        self,
        state: WitnessState,
        cosigners: Sequence[Cosigner],
        logs: Mapping[str, Sequence[VerifierKey]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`logs`: as from `followed`; `clock` gives seconds since 1970."""
        self._state = state
        self._cosigners = cosigners
        self._logs = logs
        self._clock = clock
        self._said: dict[tuple[str, str], float] = {}

    def add_checkpoint(self, body: bytes) -> str:
        """The cosignatures for a request's checkpoint, which is on disk.

        Raises WitnessRefusal, or sqlite3.Error where the state cannot be written.
        """
        request = parse_add_checkpoint(body)
        signed = self._signed(request.note)
        new = signed.checkpoint
        if request.old_size > new.size:
            raise Malformed(f"The old size {request.old_size} is beyond the checkpoint's")
        with self._state.turn() as turn:
            last = turn.last(new.origin)
            self._require_continuation(request, signed, last)
            time_s = int(self._clock())
            lines = [each.cosign(signed.note.text, time_s) for each in self._cosigners]
            note = Note(signed.note.text, (*signed.note.signatures, *lines))
            turn.move(new.origin, Seen(new.size, new.root, str(note)))
        return "".join(map(str, lines))

    def note(self, origin_hash: str) -> str | None:
        """The last cosigned checkpoint of the log whose origin has that SHA-256, in hexadecimal."""
        return self._state.note(origin_hash)

    def require_memory(self) -> None:
        """Look whether a checkpoint could be kept now. Raises sqlite3.Error."""
        with self._state.turn():
            pass

    def _signed(self, text: str) -> _Signed:
        try:
            note = parse_note(text.encode())
        except Unproven as error:
            raise Malformed(str(error)) from error
        checkpoint = _checkpoint(note.text)
        keys = self._logs.get(checkpoint.origin)
        if keys is None:
            raise UnknownOrigin("This log is not followed here")
        try:
            by = {(key.name, key.key_id) for key in note.verified_by(keys)}
        except Unproven as error:
            raise UntrustedKey(str(error)) from error
        verified = (each for each in note.signatures if (each.name, each.key_id) in by)
        return _Signed(Note(note.text, tuple(verified)), checkpoint)

    def _require_continuation(
        self, request: AddCheckpoint, signed: _Signed, last: Seen | None
    ) -> None:
        new, size = signed.checkpoint, last.size if last else 0
        if request.old_size != size:
            if new.size < size:
                self._warn("is smaller than one that was cosigned", signed, last)
            raise OtherSize(f"{size}")
        try:
            root = last.root if last else EMPTY_ROOT
            verify_consistency(size, root, new.size, new.root, request.proof)
        except Unproven as error:
            self._warn("does not go on from the one that was cosigned", signed, last)
            raise Inconsistent(str(error)) from error

    def _warn(self, what: str, signed: _Signed, last: Seen | None) -> None:
        """Keep what a log has signed against itself, in a line."""
        origin, now = signed.checkpoint.origin, time.monotonic()
        if now - self._said.get((origin, what), -_QUIET_S) < _QUIET_S:
            return
        self._said[origin, what] = now
        _LOG.warning(
            "A signed checkpoint of %s %s: it was not cosigned", origin, what,
            extra=with_fields({"refused": str(signed.note), "cosigned": _own(last, origin)}),
        )  # fmt: skip


def _own(seen: Seen | None, origin: str) -> str | None:
    """A note without the signatures of others than its log."""
    if seen is None:
        return None
    note = parse_note(seen.note.encode())
    return str(note._replace(signatures=tuple(s for s in note.signatures if s.name == origin)))


def _checkpoint(text: str) -> Checkpoint:
    """The checkpoint of a note's text. Raises Malformed; Inconsistent for an empty tree's root."""
    try:
        return Checkpoint.parse(text)
    except Unproven as error:
        is_empty = text.partition("\n")[2].startswith("0\n")
        raise (Inconsistent if is_empty else Malformed)(str(error)) from error
