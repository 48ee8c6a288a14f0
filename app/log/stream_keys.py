"""The keys of one stream, one for each subject of its personal data, and their stored form.

Stored, in a row of `stream_key`: the fingerprint of the master key that wraps them, a byte with a
bit for each subject whose key is erased, then each key that there is: a byte that names its
subject, and the wrapped key. An erased key's bit stays for ever, so that no other is made.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

from app.log.errors import Unreadable
from domain.errors import PersonalDataGone
from domain.event import Subject

KEY_BYTES = 32
NONCE_BYTES = 12
Decrypt = Callable[[bytes, bytes, bytes | None], bytes]
"""Opens a ciphertext, given a nonce, the ciphertext and the bytes that it is bound to."""
ID_BYTES = 8
WRAPPED_BYTES = NONCE_BYTES + KEY_BYTES + 16
_HEAD_BYTES = ID_BYTES + 1
_PART_BYTES = 1 + WRAPPED_BYTES
_ONE_BYTES = _HEAD_BYTES + _PART_BYTES

BITS: Mapping[Subject, int] = {"customer": 1, "agent": 2}
"""By subject, its bit among the erased ones, which also names its key."""
_SUBJECTS: Mapping[int, Subject] = {bit: subject for subject, bit in BITS.items()}
_OF_CALLS = b"sessionary facts of calls"

_aes_gcm = lru_cache(1_024)(AESGCM)
"""OpenSSL takes 2,400 bytes each, so only recently used ones are kept. A new one costs 2 µs."""


def forget_keys() -> None:
    """Keep no key in memory beyond its use: one of them was erased."""
    _aes_gcm.cache_clear()


class StreamCipher:
    """Seals and opens texts under one key (AES-256-GCM); each sealed text carries its nonce."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        """`key`: 32 bytes."""
        self._key = key

    def together(self, other: "StreamCipher", purpose: bytes) -> "StreamCipher":
        """A cipher whose key derives from this one's and another's: it goes with either."""
        # (Not hmac.digest: it lets go of the interpreter's lock, and under load it is milliseconds
        # until another thread gives it back.)
        keys = self._key + other._key
        return StreamCipher(blake2b(purpose, key=keys, digest_size=KEY_BYTES).digest())

    @property
    def decrypt(self) -> Decrypt:
        """The cipher's own function, for many texts: it raises the cipher's own errors."""
        return _aes_gcm(self._key).decrypt

    def seal(self, text: bytes, bound_to: bytes) -> bytes:
        """Nonce and ciphertext; they open only with the same `bound_to`."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + _aes_gcm(self._key).encrypt(nonce, text, bound_to)

    def open(self, sealed: bytes, bound_to: bytes) -> bytes:
        """The text. Raises Unreadable unless key, ciphertext and binding are those of `seal`."""
        try:
            nonce, text = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
            return _aes_gcm(self._key).decrypt(nonce, text, bound_to)
        except (InvalidTag, ValueError) as error:  # ValueError: too short for a nonce
            raise Unreadable("a sealed text was altered, or its key is another") from error


class StreamKeys(Struct, frozen=True, gc=False):
    """What a stream has of keys: of each subject none, one, or the mark of an erased one."""

    customer: StreamCipher | None = None
    agent: StreamCipher | None = None
    erased: int = 0
    """The bits of the subjects whose keys are erased."""
    wrapped: bytes | None = None
    """The stored form that these were unwrapped from."""

    def of(self, subject: Subject) -> StreamCipher | None:
        """The key of a subject; None if it is erased. Raises Unreadable if there never was one."""
        found = self.customer if subject == "customer" else self.agent
        if found is None and not self.erased & BITS[subject]:
            raise Unreadable(f"the stream has no key of the {subject}'s data")
        return found

    def sealing(self, subject: Subject) -> StreamCipher:
        """The key to seal with. Raises PersonalDataGone if it is erased, Unreadable without one."""
        if (found := self.of(subject)) is None:
            raise PersonalDataGone(subject)
        return found

    def of_calls(self) -> StreamCipher | None:
        """The key of the facts of calls, which goes with whichever key of the stream is erased.

        Nobody knows whose an address is: so it outlasts no erasure. None if one is erased. Raises
        Unreadable without any key.
        """
        if self.erased:
            return None
        if self.customer is None:
            raise Unreadable("the stream has no key")
        # (What is sealed is bound to its purpose, so one key alone may serve both.)
        return (
            self.customer if self.agent is None else self.customer.together(self.agent, _OF_CALLS)
        )


ALL_ERASED = StreamKeys(erased=sum(BITS.values()))
"""Of a stream whose keys are all gone: with these, nothing is opened or sealed."""


class Bundle(Struct, frozen=True, gc=False):
    """The stored form, taken apart."""

    wrapper: bytes
    """Fingerprint of the master key."""
    erased: int
    parts: Mapping[int, bytes]
    """The wrapped keys, by the bits of their subjects."""

    def joined(self) -> bytes:
        """The stored form."""
        found = [self.wrapper, bytes([self.erased])]
        for bit, wrapped in sorted(self.parts.items()):
            found += (bytes([bit]), wrapped)
        return b"".join(found)


class Opening(Struct, gc=False):
    """The keys of a stream that is read once, each unwrapped when it is needed.

    Nothing is kept of them beyond its life, and the cipher's errors come as they are.
    """

    stream: bytes
    stored: Bundle
    master: Decrypt | None
    """Opens the keys; None: it is not known."""
    _customer: Decrypt | None = None
    _agent: Decrypt | None = None

    def of(self, subject: Subject) -> Decrypt | None:
        """The key of a subject, as the cipher's own function; None if it is erased."""
        known = self._customer if subject == "customer" else self._agent
        if known is not None:
            return known
        bit = BITS[subject]
        if (wrapped := self.stored.parts.get(bit)) is None or self.master is None:
            if self.stored.erased & bit:
                return None
            raise Unreadable(f"the stream has no key of the {subject}'s data")
        bound_to = bound_to_subject(self.stream, bit)
        found = AESGCM(self.master(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], bound_to)).decrypt
        if subject == "customer":
            self._customer = found
        else:
            self._agent = found
        return found


SHUT = Opening(b"", Bundle(b"", ~0, {}), None)
"""Opens nothing, as if all were erased: for events whose personal fields do not matter."""
KEYLESS = Opening(b"", Bundle(b"", 0, {}), None)
"""Of a stream without keys: its personal fields are unreadable."""


def bundle(stored: bytes) -> Bundle:
    """A stored form, taken apart. Raises Unreadable."""
    if len(stored) == _ONE_BYTES and stored[ID_BYTES] == 0:  # nearly all streams
        return Bundle(stored[:ID_BYTES], 0, {stored[_HEAD_BYTES]: stored[_HEAD_BYTES + 1 :]})
    if len(stored) % _PART_BYTES != _HEAD_BYTES:
        raise Unreadable("the stream's key was altered")
    parts = {
        stored[at]: stored[at + 1 : at + _PART_BYTES]
        for at in range(_HEAD_BYTES, len(stored), _PART_BYTES)
    }
    if any(bit & stored[ID_BYTES] for bit in parts):
        raise Unreadable("the stream's key was altered: it is erased, and there")
    return Bundle(stored[:ID_BYTES], stored[ID_BYTES], parts)


def without(stored: bytes, erased: int) -> bytes:
    """A stored form after the keys with those bits are erased. Raises Unreadable."""
    known = bundle(stored)
    left = {bit: wrapped for bit, wrapped in known.parts.items() if not bit & erased}
    return Bundle(known.wrapper, known.erased | erased, left).joined()


def bound_to_subject(stream: bytes, bit: int) -> bytes:
    """What the wrapped key of a subject is bound to."""
    return stream + bytes((bit,))


def subjects(bits: int) -> list[Subject]:
    """The subjects with those bits."""
    return [subject for bit, subject in _SUBJECTS.items() if bits & bit]


def bits_of(those: Sequence[Subject]) -> int:
    """The bits of subjects."""
    return sum(BITS[subject] for subject in dict.fromkeys(those))
