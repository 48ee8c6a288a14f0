"""Makes and unwraps the keys of streams' personal data, and derives those of secrets in views."""

import hmac
import os
from collections.abc import Sequence
from contextlib import suppress

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec import Struct

from app.log.errors import Unreadable, WrongMasterKey
from app.log.stream_keys import (
    BITS,
    ID_BYTES,
    KEY_BYTES,
    Bundle,
    Opening,
    StreamCipher,
    StreamKeys,
    bound_to_subject,
    bundle,
)
from domain.event import Subject
from domain.ids import StreamId

_SIV_KEY_BYTES = 64
_CHECK, _ROOT, _NEXT, _PREVIOUS = b"check value", b"root key", b"next key", b"previous key"
_NAMES = {
    "check": "master_key_check",
    "root": "root_key",
    "next_check": "next_key_check",
    "wraps": "stream_keys_under",
}
"""The names in log_setting, where they differ from the members below."""


class KeySettings(Struct, frozen=True, kw_only=True, rename=_NAMES):
    """What the log keeps of its master keys: nothing of it opens without one of them."""

    check: str | None = None
    """Made with the log's master key, which is recognised by it."""
    root: str | None = None
    """The root key, sealed; None: the master key is the root, as in logs of earlier states."""
    next_check: str | None = None
    """While a rotation is under way: made with the new master key."""
    next_key: str | None = None
    """The new master key, sealed under the old one."""
    previous_key: str | None = None
    """The old one, sealed under the new one."""
    wraps: str | None = None
    """The fingerprint of the key that new stream keys are wrapped with; None: it never changed."""


class Keyring:
    """Makes and unwraps the keys of streams; knows one master key, or both during a rotation.

    Master keys wrap stream keys and the root key. Fingerprints and the seals of views are made
    with keys that derive from the root key, so they stay as they are when the master key changes.
    """

    def __init__(self, master_key: bytes, root: bytes | None = None) -> None:
        """`master_key`: 32 bytes; `root`: the log's root key, None if the master key is it.

        `adopt` takes the root key, and a second master key, from what the log keeps.
        """
        self._masters: dict[bytes, StreamCipher] = {}
        self._keys: dict[bytes, bytes] = {}
        self._wrapping = self._learn(master_key)
        self._take_root(master_key if root is None else root)

    def adopt(self, kept: KeySettings) -> None:
        """Learn what the log keeps for who has one of its keys; new keys are wrapped as it says.

        Raises WrongMasterKey if no known key is the log's.
        """
        if self._maker(kept.check) is None and self._maker(kept.next_check) is None:
            raise WrongMasterKey("The log was written with another master key than the one given")
        for sealed, purpose in ((kept.next_key, _NEXT), (kept.previous_key, _PREVIOUS)):
            if (key := self._opened(sealed, purpose)) is not None:
                self._learn(key)
        wraps = bytes.fromhex(kept.wraps or "")
        wrapping = wraps if wraps in self._masters else self._maker(kept.check)
        if wrapping is None:
            raise WrongMasterKey("The log's master keys (previous_key in log_setting) were altered")
        self._wrapping = wrapping
        if kept.root is not None:
            root = self._opened(kept.root, _ROOT)
            if root is None:
                raise WrongMasterKey("The log's root key (root_key in log_setting) was altered")
            self._take_root(root)

    @property
    def fingerprint_of_key(self) -> str:
        """The fingerprint of the master key that new stream keys are wrapped with."""
        return self._wrapping.hex()

    def maker(self, check_value: str | None) -> str | None:
        """The fingerprint of the known master key that made a check value; None: none did."""
        made_by = self._maker(check_value)
        return None if made_by is None else made_by.hex()

    def successor(self, master_key: bytes) -> "Keyring":
        """The keys of the log once another master key has followed this one."""
        return Keyring(master_key, self._root)

    @property
    def key(self) -> bytes:
        """The master key that new stream keys are wrapped with."""
        return self._keys[self._wrapping]

    def known(self, fingerprint: str) -> bytes | None:
        """The master key of a fingerprint, if it is known."""
        return self._keys.get(bytes.fromhex(fingerprint))

    def new(self, stream: StreamId, subjects: Sequence[Subject]) -> tuple[StreamKeys, bytes]:
        """Fresh keys for a stream, one for each subject, and their stored form.

        A stream whose events hold nothing personal has one, too: of the facts of its calls.
        """
        made = {BITS[subject]: os.urandom(KEY_BYTES) for subject in subjects or ("customer",)}
        wrapped = self._wrapped(stream, made, 0)
        return _stream_keys(made, 0, wrapped), wrapped

    def unwrap(self, stream: StreamId, wrapped: bytes) -> StreamKeys:
        """The keys of a stream from their stored form. Raises Unreadable."""
        found = bundle(wrapped)
        return _stream_keys(self._unwrapped(stream, found), found.erased, wrapped)

    def rewrap(self, stream: StreamId, wrapped: bytes) -> bytes:
        """Stored keys under the newest master key; as they are, if they are so already.

        Raises Unreadable.
        """
        found = bundle(wrapped)
        if found.wrapper == self._wrapping:
            return wrapped
        return self._wrapped(stream, self._unwrapped(stream, found), found.erased)

    def all_erased(self, erased: int) -> bytes:
        """The stored form of a stream's keys if it never had any, and is to get none."""
        return Bundle(self._wrapping, erased, {}).joined()

    def _wrapped(self, stream: StreamId, keys: dict[int, bytes], erased: int) -> bytes:
        master = self._masters[self._wrapping]
        found = [self._wrapping, bytes((erased,))]
        for bit, key in sorted(keys.items()):
            found += (bytes((bit,)), master.seal(key, bound_to_subject(stream.bytes, bit)))
        return b"".join(found)

    def _unwrapped(self, stream: StreamId, found: Bundle) -> dict[int, bytes]:
        master = self._masters.get(found.wrapper)
        if master is None and found.parts:
            raise Unreadable("the stream's key was altered, or the master key is another")
        try:
            return {
                bit: master.open(wrapped, bound_to_subject(stream.bytes, bit))
                for bit, wrapped in found.parts.items()
                if master is not None
            }
        except Unreadable as error:
            raise Unreadable(
                "the stream's key was altered, or the master key is another"
            ) from error

    def unsealing(self, stream: StreamId, wrapped: bytes) -> Opening:
        """As `unwrap`, for many streams read once. Raises Unreadable for another form."""
        found = bundle(wrapped)
        master = self._masters.get(found.wrapper)
        return Opening(stream.bytes, found, None if master is None else master.decrypt)

    def fingerprint(self, text: bytes) -> bytes:
        """A keyed hash of possibly personal data: only the root key can confirm a guess."""
        # (A copy takes half of the time of setting up the key anew; followers hash each event.)
        made = self._fingerprints.copy()
        made.update(text)
        return made.digest()

    def seal_in_view(self, stream: StreamId, view: str, member: str, text: str) -> bytes:
        """A text of a row's document, sealed for its place.

        The same text gives the same bytes (AES-256-SIV): rows are compared with the fold.
        """
        return self._in_views.encrypt(text.encode(), _place(stream, view, member))

    def open_in_view(self, stream: StreamId, view: str, member: str, sealed: bytes) -> str:
        """The text. Raises Unreadable unless master key and place are those of the seal."""
        try:
            return self._in_views.decrypt(sealed, _place(stream, view, member)).decode()
        except InvalidTag as error:
            raise Unreadable(
                f"{member} was altered or is another row's, or the master key is another"
            ) from error

    def signing_key(self, purpose: bytes) -> bytes:
        """A key for checks of what leaves the database, for one purpose.

        It derives from the newest master key.
        """
        return derived(self.key, purpose, KEY_BYTES)

    def root_box(self, purpose: bytes) -> StreamCipher:
        """Seals and opens under a key for one purpose that derives from the root key.

        So what it seals outlasts a change of the master key.
        """
        return StreamCipher(derived(self._root, purpose, KEY_BYTES))

    def check_value(self) -> str:
        """A text that only the newest master key opens; the log recognises the key by it."""
        return self._sealed(b"sessionary", _CHECK)

    def sealed_root(self) -> str:
        """The root key under the newest master key, as the log keeps it."""
        return self._sealed(self._root, _ROOT)

    def handed_over(self, to: "Keyring") -> tuple[str, str, str]:
        """What the log keeps while the master key of `to` follows this one.

        Its check value, it sealed under this one, and this one sealed under it.
        """
        return to.check_value(), self._sealed(to.key, _NEXT), to._sealed(self.key, _PREVIOUS)

    def made(self, check_value: str) -> bool:
        """Whether `check_value` was made with a known master key."""
        return self._maker(check_value) is not None

    def _maker(self, check_value: str | None) -> bytes | None:
        for name, master in self._masters.items():
            with suppress(Unreadable, ValueError):  # altered, or made by another key or by none
                if master.open(bytes.fromhex(check_value or ""), _CHECK) == b"sessionary":
                    return name
        return None

    def _opened(self, sealed: str | None, purpose: bytes) -> bytes | None:
        for master in self._masters.values():
            with suppress(Unreadable, ValueError):
                return master.open(bytes.fromhex(sealed or ""), purpose)
        return None

    def _sealed(self, text: bytes, purpose: bytes) -> str:
        return self._masters[self._wrapping].seal(text, purpose).hex()

    def _learn(self, master_key: bytes) -> bytes:
        name = bytes.fromhex(fingerprint_of(master_key))
        if name not in self._masters:
            self._masters[name], self._keys[name] = StreamCipher(master_key), master_key
        return name

    def _take_root(self, root: bytes) -> None:
        self._root = root
        self._fingerprints = hmac.new(
            derived(root, b"sessionary fingerprint", KEY_BYTES), digestmod="sha256"
        )
        self._in_views = AESSIV(derived(root, b"sessionary views", _SIV_KEY_BYTES))


def fits(master_key: bytes, kept: KeySettings) -> bool:
    """Whether a key is the log's, or one of the two during its change."""
    try:
        Keyring(master_key).adopt(kept)
    except WrongMasterKey:
        return False
    return True


def new_key() -> bytes:
    """A root key for a new log."""
    return os.urandom(KEY_BYTES)


def fingerprint_of(master_key: bytes) -> str:
    """Names a master key without telling anything of it: 16 hexadecimal digits."""
    return derived(master_key, b"sessionary key fingerprint", ID_BYTES).hex()


def _stream_keys(keys: dict[int, bytes], erased: int, wrapped: bytes) -> StreamKeys:
    customer, agent = keys.get(BITS["customer"]), keys.get(BITS["agent"])
    return StreamKeys(
        None if customer is None else StreamCipher(customer),
        None if agent is None else StreamCipher(agent),
        erased,
        wrapped,
    )


def _place(stream: StreamId, view: str, member: str) -> list[bytes]:
    return [stream.bytes, view.encode(), member.encode()]


def derived(master_key: bytes, purpose: bytes, length: int) -> bytes:
    """A key for one purpose that derives from another."""
    return HKDF(hashes.SHA256(), length, salt=None, info=purpose).derive(master_key)
