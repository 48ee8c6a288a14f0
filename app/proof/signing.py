"""The keys that sign checkpoints: made once, sealed under the log's root key, changed at will."""

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from msgspec import Struct

from app.database.sql import blocks
from app.log.errors import Unreadable
from app.log.keyring import Keyring
from app.log.read import Asks
from app.proof.notes import (
    COSIGNATURE_ML_DSA_44,
    ED25519,
    KEY_BYTES,
    Checkpoint,
    Note,
    Signature,
    VerifierKey,
)

SQL = blocks(__file__)
_PURPOSE = b"sessionary signing keys"


class _Private(Protocol):
    def sign(self, message: bytes, /) -> bytes:
        """The signature of a message."""

    def private_bytes_raw(self) -> bytes:
        """The seed."""


class PublicKey(Struct, frozen=True):
    """The public part of a key of the log."""

    id: int
    algorithm: int
    public: bytes
    since: datetime
    until: datetime | None
    """None: it signs."""

    def vkey(self, origin: str) -> VerifierKey:
        """For the checkpoints of a partition."""
        return VerifierKey(origin, self.algorithm, self.public)


class Signer:
    """Signs what the log says of its trees."""

    def __init__(self, name: str, keys: Sequence[tuple[PublicKey, _Private]]) -> None:
        """`name`: of the log; `keys`: those that sign."""
        self._name = name
        self._keys = keys

    @property
    def ids(self) -> list[int]:
        """Of the keys."""
        return sorted(public.id for public, _ in self._keys)

    def note(self, partition: int, size: int, root: bytes) -> str:
        """A signed checkpoint."""
        origin = f"{self._name}/{partition}"
        text = str(Checkpoint(origin, size, root))
        now_s = int(time.time())
        signatures = []
        for public, private in self._keys:
            vkey = public.vkey(origin)
            time_s = None if vkey.type == ED25519 else now_s
            signatures.append(vkey.signature(private.sign(vkey.message(text, time_s)), time_s))
        return str(Note(text, tuple(signatures)))

    def text(self, partition: int, text: str) -> Signature:
        """The signature by Ed25519 of a text that is no checkpoint, by a partition's key."""
        for public, private in self._keys:
            if public.algorithm == ED25519:
                vkey = public.vkey(f"{self._name}/{partition}")
                return vkey.signature(private.sign(vkey.message(text, None)))
        raise Unreadable("the log has no key of Ed25519 that signs")

    def beside(self, other: "Signer") -> "Signer":
        """Signs with the keys of both, this one's first."""
        return Signer(self._name, [*self._keys, *other._keys])


async def name_of(store: Asks) -> str:
    """The log's name, with which the origin of each partition begins. Raises StoreDown."""
    (row,) = await store.ask(SQL["log_name"])
    return str(row["name"])


async def public_keys(store: Asks) -> list[PublicKey]:
    """All keys that ever signed: first those that sign now. Raises StoreDown.

    One that was altered and is none of its type is left out: nothing is signed by it.
    """
    return [
        PublicKey(row["id"], row["algorithm"], row["public"], row["since"], row["until"])
        for row in await store.ask(SQL["keys"])
        if len(row["public"]) == KEY_BYTES.get(row["algorithm"])
    ]


async def vkeys(store: Asks, partition: int) -> list[VerifierKey]:
    """The same as the keys of a partition's checkpoints. Raises StoreDown."""
    origin = f"{await name_of(store)}/{partition}"
    return [key.vkey(origin) for key in await public_keys(store)]


async def signer(store: Asks, keyring: Keyring, *, with_ml_dsa: bool) -> Signer:
    """The keys that sign; missing ones are made, whoever else makes them at the same time.

    Raises Unreadable if a key was altered, or sealed under another root key; StoreDown.
    """
    wanted = {ED25519, COSIGNATURE_ML_DSA_44} if with_ml_dsa else {ED25519}
    found = await _current(store, keyring)
    if missing := wanted - {public.algorithm for public, _ in found}:
        for algorithm in sorted(missing):
            await store.ask(SQL["add"], *new_key(keyring, algorithm))
        found = await _current(store, keyring)
    kept = [each for each in found if each[0].algorithm in wanted]
    return Signer(await name_of(store), kept)


async def has_ml_dsa(store: Asks) -> bool:
    """Whether a key of ML-DSA-44 signs now. Raises StoreDown."""
    keys = await public_keys(store)
    return any(key.algorithm == COSIGNATURE_ML_DSA_44 and key.until is None for key in keys)


async def current_ids(store: Asks) -> list[int]:
    """Which keys sign now. Raises StoreDown."""
    return [row["id"] for row in await store.ask(SQL["current"])]


def new_key(keyring: Keyring, algorithm: int) -> tuple[int, bytes, bytes]:
    """A new key: its algorithm, its public part, and its sealed private part."""
    private: Ed25519PrivateKey | MLDSA44PrivateKey
    private = Ed25519PrivateKey.generate() if algorithm == ED25519 else MLDSA44PrivateKey.generate()
    public = private.public_key().public_bytes_raw()
    sealed = keyring.root_box(_PURPOSE).seal(private.private_bytes_raw(), _bound(algorithm, public))
    return algorithm, public, sealed


async def _current(store: Asks, keyring: Keyring) -> list[tuple[PublicKey, _Private]]:
    box = keyring.root_box(_PURPOSE)
    found: list[tuple[PublicKey, _Private]] = []
    for row in await store.ask(SQL["keys"]):
        if row["until"] is None:
            algorithm, public = row["algorithm"], bytes(row["public"])
            if algorithm not in KEY_BYTES:
                raise Unreadable("a signing key was altered: its type is not known")
            seed = box.open(bytes(row["sealed"]), _bound(algorithm, public))
            private = _private(algorithm, seed, public)
            key = PublicKey(row["id"], algorithm, public, row["since"], None)
            found.append((key, private))
    return sorted(found, key=lambda each: each[0].algorithm)


def _private(algorithm: int, seed: bytes, public: bytes) -> _Private:
    private: Ed25519PrivateKey | MLDSA44PrivateKey
    if algorithm == ED25519:
        private = Ed25519PrivateKey.from_private_bytes(seed)
    else:
        private = MLDSA44PrivateKey.from_seed_bytes(seed)
    if private.public_key().public_bytes_raw() != public:
        raise Unreadable("a signing key was altered: its two parts do not fit")
    return private


def _bound(algorithm: int, public: bytes) -> bytes:
    return bytes((algorithm,)) + public
