"""The facts of a call that the log keeps beside its events; what can identify the caller is sealed.

Stored, as an event's `metadata`: `{"face": "evo", "sealed": {"fields": ["client"], "box":
"<base64>"}}`. The box is under a key that derives from all keys of the stream, so it goes with
whichever of them is erased: a caller may be anybody's. Without a box, a key was erased before. The
names stay readable. Events of earlier releases have all in the clear, and are read as they are.
"""

from collections.abc import Mapping
from typing import TypeGuard

import msgspec
from msgspec import Raw, Struct

from app.log.errors import Unreadable
from app.log.stream_keys import StreamKeys
from domain.ids import StreamId

ERASED = "(erased)"
"""In the place of a fact that was erased."""
UNREADABLE = "(unreadable)"
"""In the place of a fact that should open and does not."""
_MEMBER = "sealed"
_MARK = b'"sealed"'
_PURPOSE = b"facts"
_ENCODER = msgspec.json.Encoder()
_MEMBERS = msgspec.json.Decoder(dict[str, Raw])
_VALUES = msgspec.json.Decoder(dict[str, str])


class Facts(Struct, frozen=True, gc=False):
    """The facts of a call, before they are sealed for a stream."""

    clear: str = "{}"
    """JSON object: how, when and with which rights was called."""
    personal: Mapping[str, str] = {}
    """What can identify the caller, or was given by it."""


NO_FACTS = Facts()


class _Sealed(Struct, frozen=True):
    fields: list[str]
    box: bytes | None = None


_SEALED = msgspec.json.Decoder(_Sealed)


def stored(facts: Facts, stream: StreamId, keys: StreamKeys | None) -> str:
    """The metadata to store with events of a stream; personal facts need its keys.

    They are left out if a key of the stream is erased: none is made for them again.
    """
    if not facts.personal:
        return facts.clear
    if keys is None:
        raise ValueError("personal facts of a call need a key")
    sealed: dict[str, object] = {"fields": list(facts.personal)}
    if (cipher := keys.of_calls()) is not None:
        sealed["box"] = cipher.seal(_ENCODER.encode(facts.personal), _bound_to(stream))
    begun = facts.clear[:-1]
    return f'{begun}{"," if len(begun) > 1 else ""}"sealed":{_ENCODER.encode(sealed).decode()}}}'


def opened(metadata: bytes, stream: StreamId, keys: StreamKeys | None) -> Raw:
    """The metadata of a stored event as one object, with ERASED or UNREADABLE for what is so.

    As it is, if it was damaged or has nothing sealed. `keys`: None if the stream has none, or none
    that can be read.
    """
    if (parts := _parts(metadata)) is None:
        return Raw(metadata)
    members, sealed = parts
    return Raw(_ENCODER.encode(members | _values(sealed, stream, keys)))


def sealed_values(metadata: bytes, stream: StreamId, keys: StreamKeys | None) -> dict[str, str]:
    """What is sealed in the metadata of a stored event, as `opened` gives it; often nothing."""
    parts = _parts(metadata)
    return {} if parts is None else _values(parts[1], stream, keys)


def _parts(metadata: bytes) -> tuple[dict[str, Raw], _Sealed] | None:
    """The clear members and what is sealed; None if nothing is, or it was damaged."""
    if _MARK not in metadata:  # (a quote within a value is escaped)
        return None
    try:
        members = _MEMBERS.decode(metadata)
        return members, _SEALED.decode(members.pop(_MEMBER))
    except (msgspec.MsgspecError, UnicodeDecodeError, KeyError):
        return None


def _values(sealed: _Sealed, stream: StreamId, keys: StreamKeys | None) -> dict[str, str]:
    try:
        if sealed.box is None or (keys is not None and keys.erased):
            return dict.fromkeys(sealed.fields, ERASED)
        cipher = None if keys is None else keys.of_calls()
        if cipher is not None:
            return _VALUES.decode(cipher.open(sealed.box, _bound_to(stream)))
    except (Unreadable, msgspec.MsgspecError, UnicodeDecodeError):
        pass
    return dict.fromkeys(sealed.fields, UNREADABLE)


def need_key(metadata: bytes) -> bool:
    """Whether anything in the metadata of a stored event opens only with a key of its stream."""
    parts = _parts(metadata)
    return parts is not None and parts[1].box is not None


def is_shown(value: str | None) -> TypeGuard[str]:
    """Whether a fact is there, and neither erased nor unreadable."""
    return bool(value) and value not in (ERASED, UNREADABLE)


def sealed_fact(value: str, stream: StreamId, keys: StreamKeys) -> bytes | None:
    """One fact, sealed for a table beside the log; None if a key of the stream is erased."""
    cipher = keys.of_calls()
    return None if cipher is None else cipher.seal(value.encode(), _bound_to(stream))


def opened_fact(sealed: bytes, stream: StreamId, keys: StreamKeys | None) -> str:
    """It again; ERASED or UNREADABLE if it is so."""
    if keys is not None and keys.erased:
        return ERASED
    try:
        cipher = None if keys is None else keys.of_calls()
        return UNREADABLE if cipher is None else cipher.open(sealed, _bound_to(stream)).decode()
    except (Unreadable, UnicodeDecodeError):
        return UNREADABLE


def _bound_to(stream: StreamId) -> bytes:
    # (Neither a box moved to another stream nor a box of data opens.)
    return stream.bytes + _PURPOSE
