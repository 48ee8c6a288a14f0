"""The log's side of witnesses: sends them checkpoints, and collects their cosignatures."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from http import HTTPStatus
from typing import TypeAlias
from urllib.parse import urlsplit

import httpx
from msgspec import Struct

from app.proof.attempts import Attempts
from app.proof.notes import (
    COSIGNATURE_ED25519,
    COSIGNATURE_ML_DSA_44,
    Checkpoint,
    Note,
    Signature,
    VerifierKey,
    decimal,
    parse_note,
)
from app.proof.trees import Unproven
from app.proof.witness_request import AddCheckpoint, format_add_checkpoint
from app.telemetry import metrics

ProofOf: TypeAlias = Callable[[int, int], Awaitable[Sequence[bytes]]]
"""The consistency proof from one size to another, of the checkpoint's tree."""
_PATIENCE_S = 5.0
"""Seconds for a witness, both of its answers included."""
_MAX_ANSWER_BYTES = 64 * 1024
_SAID = 200
"""Characters of a refusal that are worth a line."""


class Witness(Struct, frozen=True):
    """A witness to ask, and the keys by which it cosigns."""

    url: str
    """Its submission prefix, without `/` at its end."""
    keys: tuple[VerifierKey, ...]

    @property
    def name(self) -> str:
        """The one of its keys."""
        return self.keys[0].name


class _Failed(Exception):
    """A witness has not cosigned; the message says why."""

    def __init__(self, reason: str, sentence: str) -> None:
        """`reason`: for metrics."""
        super().__init__(sentence)
        self.reason = reason


def witness(text: str) -> Witness:
    """A witness from its option: its URL, and after a space the vkeys it cosigns by.

    Raises ValueError, or Unproven for a key.
    """
    url, *vkeys = text.split()
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"{url!r} is no URL of a witness, such as https://witness.example.com")
    keys = tuple(map(VerifierKey.parse, vkeys))
    cosigns = {COSIGNATURE_ED25519, COSIGNATURE_ML_DSA_44}
    if not keys or any(key.type not in cosigns for key in keys):
        raise ValueError(
            "after the URL comes the witness's own key, as its `witness key` prints it"
        )
    if len({key.name for key in keys}) > 1:
        raise ValueError("the keys after the URL are those of several witnesses")
    return Witness(url.rstrip("/"), keys)


class Witnesses:
    """All witnesses of a log. One that hangs or fails delays no other, and nobody else."""

    def __init__(self, witnesses: Iterable[Witness], client: httpx.AsyncClient) -> None:
        """`client`: of the caller, who closes it."""
        self._asked = [_Asked(each, client) for each in witnesses]

    def lacking(self, note: Note) -> bool:
        """Whether a checkpoint lacks cosignatures."""
        return any(not each.has_signed(note) for each in self._asked)

    async def cosigned(self, note: Note, consistency_proof_of: ProofOf) -> Note:
        """The checkpoint with the cosignatures that it lacked, as far as witnesses give them now.

        Takes seconds at most. Raises what `consistency_proof_of` raises.
        """
        origin = note.text.partition("\n")[0]
        asked = [e for e in self._asked if e.is_due(origin) and not e.has_signed(note)]
        given = await asyncio.gather(*(each.ask(note, consistency_proof_of) for each in asked))
        return note._replace(signatures=(*note.signatures, *(s for some in given for s in some)))


class _Asked:
    """One witness: what it has last seen of each log, and when to ask it again."""

    def __init__(self, witness: Witness, client: httpx.AsyncClient) -> None:
        self._witness = witness
        self._client = client
        self._sizes: dict[str, int] = {}
        self._reached = Attempts(f"The witness {witness.name}")
        self._by_origin: dict[str, Attempts] = {}
        """A log that it refuses does not keep the other partitions waiting."""
        self._ids = {(key.name, key.key_id) for key in witness.keys}

    def is_due(self, origin: str) -> bool:
        return self._reached.is_due and self._attempts(origin).is_due

    def _attempts(self, origin: str) -> Attempts:
        about = f"The witness {self._witness.name}, asked for {origin}"
        return self._by_origin.setdefault(origin, Attempts(about))

    def has_signed(self, note: Note) -> bool:
        return any((each.name, each.key_id) in self._ids for each in note.signatures)

    async def ask(self, note: Note, proof_of: ProofOf) -> Sequence[Signature]:
        """Its cosignatures; none if it fails, which is counted and said."""
        attempts = self._attempts(note.text.partition("\n")[0])
        try:
            async with asyncio.timeout(_PATIENCE_S):
                found = await self._ask(note, proof_of)
        except _Failed as failed:
            attempts.failed(str(failed), failed.reason)
            return self._failed(failed.reason)
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL) as error:
            self._reached.failed(str(error) or f"no answer within {_PATIENCE_S:g} s")
            return self._failed("unreachable")
        self._reached.succeeded()
        attempts.succeeded()
        return found

    def _failed(self, reason: str) -> Sequence[Signature]:
        metrics.WITNESS_FAILURES.labels(self._witness.name, reason).inc()
        return ()

    async def _ask(self, note: Note, proof_of: ProofOf) -> Sequence[Signature]:
        checkpoint = Checkpoint.parse(note.text)
        known = self._sizes.get(checkpoint.origin, 0)
        status, answer = await self._send(note, checkpoint, known, proof_of)
        if status == HTTPStatus.CONFLICT:
            known = self._known(checkpoint, answer)
            status, answer = await self._send(note, checkpoint, known, proof_of)
        if status != HTTPStatus.OK:
            raise _Failed(
                "refused", f"it refuses the checkpoint: {status} {answer[:_SAID].strip()}"
            )
        found = self._cosignatures(note, answer)
        self._sizes[checkpoint.origin] = checkpoint.size
        return found

    def _known(self, checkpoint: Checkpoint, answer: str) -> int:
        try:
            known = decimal(answer.removesuffix("\n"), "size")
        except Unproven as error:
            raise _Failed("garbage", f"it names no size: {error}") from error
        if known > checkpoint.size:
            raise _Failed(
                "ahead",
                f"it has cosigned {checkpoint.origin} up to {known}, and the log goes only to "
                f"{checkpoint.size}: the log was cut off, or is an older copy",
            )
        return known

    async def _send(
        self, note: Note, checkpoint: Checkpoint, known: int, proof_of: ProofOf
    ) -> tuple[int, str]:
        if known > checkpoint.size:  # after a restore
            known = 0
        proof = tuple(await proof_of(known, checkpoint.size)) if known else ()
        body = format_add_checkpoint(AddCheckpoint(known, proof, str(note)))
        url = f"{self._witness.url}/add-checkpoint"
        async with self._client.stream("POST", url, content=body) as answer:
            return answer.status_code, await _text(answer)

    def _cosignatures(self, note: Note, answer: str) -> Sequence[Signature]:
        try:
            given = parse_note(f"{note.text}\n{answer}".encode())
            by = {(key.name, key.key_id) for key in given.verified_by(self._witness.keys)}
        except Unproven as error:
            raise _Failed("garbage", f"its cosignature is none: {error}") from error
        return [each for each in given.signatures if (each.name, each.key_id) in by]


async def _text(answer: httpx.Response) -> str:
    """The text of an answer. Raises _Failed if it is too long, or none."""
    found = b""
    async for part in answer.aiter_raw():
        found += part
        if len(found) > _MAX_ANSWER_BYTES:
            raise _Failed("garbage", f"its answer has more than {_MAX_ANSWER_BYTES} bytes")
    try:
        return found.decode()
    except UnicodeDecodeError as error:
        raise _Failed("garbage", "its answer is no text") from error
