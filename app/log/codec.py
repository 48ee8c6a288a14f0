"""Events to stored bytes and back: sparse JSON, with personal fields sealed in one box per event.

Stored: `{"account_id": "a1", "sealed": {"fields": ["purpose"], "box": "<base64>"}}`. The names of
sealed fields stay readable, so that a history still names the changed fields after its key is gone.
"""

import msgspec
from msgspec import UNSET

from app.log.errors import Unreadable
from app.log.keyring import StreamCipher
from domain.event import Event
from domain.ids import StreamId
from domain.stored import EVENTS, UPCASTS, Fields, upcast

_ENCODER = msgspec.json.Encoder()
_FIELDS = msgspec.json.Decoder(Fields)


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


def _bound_to(stream: StreamId, topic: str) -> bytes:
    # A sealed text does not open if it is moved to another stream or event type.
    return stream.bytes + topic.encode()
