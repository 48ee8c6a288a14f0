"""Events to stored bytes and back: sparse JSON, with personal fields sealed in one box per event.

Stored: `{"account_id": "a1", "sealed": {"fields": ["purpose"], "box": "<base64>"}}`. The names of
sealed fields stay readable, so that a history still names the changed fields after its key is gone.
"""

from collections.abc import Callable, Mapping, Sequence

import msgspec
from msgspec import UNSET

from app.log.errors import Unreadable
from app.log.keyring import NONCE_BYTES, Decrypt, StreamCipher
from domain.event import Event
from domain.ids import StreamId
from domain.stored import EVENTS, UPCASTS, Fields, upcast

_ENCODER = msgspec.json.Encoder()
_FIELDS = msgspec.json.Decoder(Fields)
_SEALED = b'"sealed":{"fields":['
_ALL_SEALED = b"{" + _SEALED
_BOX = b'],"box":'
_decode_box = msgspec.json.Decoder(bytes).decode
DECODERS: Mapping[str, Callable[[bytes], Event]] = {
    topic: msgspec.json.Decoder(event).decode for topic, event in EVENTS.items()
}
"""By stored name, the decoder of an event's `text`; none for a name that is upcast."""


def split(event: Event) -> tuple[Fields, Fields]:
    """The set fields of an event: first those that anybody may read, then the personal ones."""
    personal = type(event).personal
    plain: Fields = {}
    secret: Fields = {}
    for name in event.__struct_fields__:
        value = getattr(event, name)
        if value is not UNSET:
            (secret if name in personal else plain)[name] = value
    return plain, secret


def encode(
    topic: str, plain: Fields, secret: Fields, stream: StreamId, box: StreamCipher | None
) -> bytes:
    """The bytes to store of an event that was `split`; personal fields need a box."""
    if not secret:
        return _ENCODER.encode(plain)
    if box is None:
        raise ValueError("an event with personal fields needs a key")
    sealed = box.seal(_ENCODER.encode(secret), _bound_to(stream, topic))
    return _ENCODER.encode({**plain, "sealed": {"fields": list(secret), "box": sealed}})


def decode(topic: str, state: bytes, stream: StreamId, box: StreamCipher | None) -> Event:
    """The stored event, upcast to its present form.

    Raises Unreadable for an unknown name, altered bytes, or a key that is gone.
    """
    try:
        if topic not in EVENTS and topic not in UPCASTS:
            raise Unreadable("no event has that name")
        fields = _FIELDS.decode(state)
        sealed = fields.pop("sealed", None)
        if sealed is not None:
            if box is None:
                raise Unreadable("the key of the stream is gone")
            text = msgspec.convert(sealed["box"], bytes)
            fields |= _FIELDS.decode(box.open(text, _bound_to(stream, topic)))
        topic, fields = upcast(topic, fields)
        return msgspec.convert(fields, EVENTS[topic])
    except (msgspec.MsgspecError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise Unreadable(repr(error)) from error


def texts(
    states: Sequence[bytes], topics: Sequence[bytes], stream: bytes, decrypt: Decrypt | None
) -> list[bytes]:
    """All fields of a stream's stored events as one JSON object each, for `DECODERS`.

    `topics`, `stream`: what their boxes are bound to. It is for readers of very many events:
    several times as fast as `decode`, it knows only the form that `encode` writes. Raises any error
    for another form, or for a box that does not open.
    """
    found: list[bytes] = []
    for state, topic in zip(states, topics, strict=True):
        before, sealed, end = state.rpartition(_BOX)
        if not sealed:
            found.append(state)
            continue
        if decrypt is None:
            raise Unreadable("the key of the stream is gone")
        box = _decode_box(end.removesuffix(b"}}"))  # no JSON, if anything follows what is sealed
        opened = decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], stream + topic)
        if before.startswith(_ALL_SEALED):
            found.append(opened)
        else:
            found.append(before[: before.rindex(_SEALED)] + opened[1:])
    return found


def _bound_to(stream: StreamId, topic: str) -> bytes:
    # A sealed text does not open if it is moved to another stream or event type.
    return stream.bytes + topic.encode()
