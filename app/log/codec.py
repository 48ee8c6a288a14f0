"""Events to stored bytes and back: sparse JSON, with personal fields sealed in one box an event.

Stored: `{"account_id": "a1", "sealed": {"fields": ["purpose"], "box": "<base64>"}}`. The names of
sealed fields stay readable, so that a history says what was changed after its key is gone.
"""

from typing import Any

import msgspec
from msgspec import UNSET

from app.log.errors import Unreadable
from app.log.keyring import Box
from domain.event import Event
from domain.ids import StreamId
from domain.stored import EVENTS, upcast

_ENCODER = msgspec.json.Encoder()
_FIELDS = msgspec.json.Decoder(dict[str, Any])


def is_personal(event: Event) -> bool:
    """Whether storing an event needs a key: it has a personal field that is set."""
    return any(getattr(event, name) is not UNSET for name in type(event).personal)


def encode(event: Event, stream: StreamId, box: Box | None) -> bytes:
    """The stored bytes of an event; `box` may be None only if it `is_personal` not."""
    personal = type(event).personal
    plain: dict[str, Any] = {}
    secret: dict[str, Any] = {}
    for name in event.__struct_fields__:
        value = getattr(event, name)
        if value is not UNSET:
            (secret if name in personal else plain)[name] = value
    if secret:
        if box is None:
            raise ValueError("an event with personal fields needs a key")
        sealed = box.seal(_ENCODER.encode(secret), _bound_to(stream, event.topic))
        plain["sealed"] = {"fields": list(secret), "box": sealed}
    return _ENCODER.encode(plain)


def decode(topic: str, state: bytes, stream: StreamId, box: Box | None) -> Event:
    """The event that was stored, in its present form.

    Raises Unreadable for an unknown name, altered bytes, or a key that is gone.
    """
    try:
        fields = _FIELDS.decode(state)
        sealed = fields.pop("sealed", None)
        if sealed is not None:
            if box is None:
                raise Unreadable(f"the key of stream {stream} is gone")
            text = msgspec.convert(sealed["box"], bytes)
            fields |= _FIELDS.decode(box.open(text, _bound_to(stream, topic)))
        topic, fields = upcast(topic, fields)
        return msgspec.convert(fields, EVENTS[topic])
    except (msgspec.MsgspecError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise Unreadable(f"event {topic} of stream {stream}: {error!r}") from error


def _bound_to(stream: StreamId, topic: str) -> bytes:
    # A sealed text that is moved to another stream or event type does not open there.
    return stream.bytes + topic.encode()
