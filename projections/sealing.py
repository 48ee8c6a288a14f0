"""The secret members of a view's documents: sealed where the row is written, opened for its reader.

A document holds null in the place of a secret, and beside its other members
`"sealed": {"session_key": "<base64>"}`. Only states that hold a secret have that member.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from domain.ids import StreamId

Seal = Callable[[StreamId, str, str, str], bytes]
"""Seals a text for a stream, a view and a member of its document; equal texts have equal seals."""
Unseal = Callable[[StreamId, str, str, bytes], str]
"""Opens what was sealed for that stream, view and member. Raises an error of its own."""

MARK = '"sealed"'
"""A document without this text has nothing to open. (Within a text, quotes are escaped.)"""
S = TypeVar("S", bound=Struct)
_NONE: frozenset[str] = frozenset()


class _Sealed(Struct):
    sealed: dict[str, bytes] = {}


_DECODER = msgspec.json.Decoder(_Sealed)


def secret_of(holder: type) -> frozenset[str]:
    """The names of the secret fields that a type of states or events declares: all are texts."""
    declared: frozenset[str] = getattr(holder, "secret", _NONE)
    return declared


def held(state: object) -> list[str]:
    """The names of the secrets that a state has."""
    secret: frozenset[str] = getattr(type(state), "secret", _NONE)  # each command comes by here
    return [name for name in secret if getattr(state, name) is not None] if secret else []


def sealed(shown: object, names: Sequence[str], seal: Callable[[str, str], bytes]) -> object:
    """What to encode of a document in which the named members are secret, if it has them.

    `seal` gets the name of a member and its text.
    """
    members: dict[str, Any] = msgspec.to_builtins(shown)
    secrets = {name: seal(name, members[name]) for name in names if members.get(name) is not None}
    return {**members, **dict.fromkeys(secrets), "sealed": secrets} if secrets else shown


def opened(state: S, doc: str, unseal: Callable[[str, bytes], str]) -> S:
    """The state that was decoded from a document, with its secrets.

    Raises MsgspecError, or what `unseal` raises.
    """
    secrets = _DECODER.decode(doc).sealed
    known = secrets.keys() & set(state.__struct_fields__)
    return replace(state, **{name: unseal(name, secrets[name]) for name in known})
