"""What is sealed in the events of principals, and beside them: from where they are called."""

from contextlib import suppress

from app.log import codec
from app.log.errors import Unreadable
from app.log.facts import opened_fact
from app.log.keyring import Keyring
from app.log.stream_keys import ALL_ERASED, StreamKeys
from domain.ids import StreamId
from domain.principal.events import PrincipalEvent


def keys_of(
    keyring: Keyring | None, stream: StreamId, wrapped: bytes | None
) -> tuple[StreamKeys, bytes | None]:
    """The keys of a principal's stream, and their stored form if they are new.

    Damaged ones keep nobody from signing in: then no address is kept.
    """
    if keyring is None:
        return ALL_ERASED, None
    if wrapped is None:
        return keyring.new(stream, ())
    with suppress(Unreadable):
        return keyring.unwrap(stream, wrapped), None
    return ALL_ERASED, None


def encoded(event: PrincipalEvent, stream: StreamId, keys: StreamKeys) -> bytes:
    """The bytes to store of an event; without the address that it has if no key may seal it."""
    plain, sealed, _ = codec.split(event)
    if sealed and keys.erased:
        plain, sealed = {**plain, **dict.fromkeys(sealed)}, {}
    return codec.encode(event.topic, plain, sealed, {}, stream, keys)


def opened_address(
    keyring: Keyring | None, stream: StreamId, sealed: bytes, wrapped: bytes | None
) -> str:
    """The address of a sign-in; `wrapped`: the keys of its principal's stream.

    `app.log.facts` says what is in its place if it is gone.
    """
    keys = None
    with suppress(Unreadable):
        if wrapped is not None and keyring is not None:
            keys = keyring.unwrap(stream, wrapped)
    return opened_fact(sealed, stream, keys)
