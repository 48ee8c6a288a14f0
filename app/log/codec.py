"""Events to stored bytes and back: sparse JSON, with the personal fields of each subject in a box.

Stored: `{"account_id": "a1", "sealed": {"fields": ["purpose"], "box": "<base64>"}}`. What is an
agent's is in a box of its own before that, `sealed_agent`. The names of sealed fields stay
readable, so that a history still names them after a key is erased: their values are then None.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import msgspec
from msgspec import UNSET

from app.log.errors import Unreadable
from app.log.stream_keys import NONCE_BYTES, Opening, StreamKeys
from domain.event import Event, Subject
from domain.ids import StreamId
from domain.stored import EVENTS, UPCASTS, Fields, upcast

_ENCODER = msgspec.json.Encoder()
_FIELDS = msgspec.json.Decoder(Fields)
BOXES: Mapping[str, Subject] = {"sealed_agent": "agent", "sealed": "customer"}
"""The members of a stored event that hold boxes, and whose fields are in them."""
_SEALED = b'"sealed":{"fields":['
_BOX = b'],"box":'
_AGENT = b'"sealed_agent":{'
_decode_box = msgspec.json.Decoder(bytes).decode
DECODERS: Mapping[str, Callable[[bytes], Event]] = {
    topic: msgspec.json.Decoder(event).decode for topic, event in EVENTS.items()
}
"""By stored name, the decoder of an event's `text`; none for a name that is upcast."""
NO_KEY = "the key of the stream is gone"
"""Why an event cannot be read whose stream has lost its key, rather than had it erased."""
_NAMES = 256


def split(event: Event) -> tuple[Fields, Fields, Fields]:
    """The set fields of an event: those that anybody may read, the customer's, the agent's."""
    declared = type(event)
    personal, of_agent = declared.personal, declared.agent
    if declared.origins:
        personal |= declared.origins
    if declared.of_agent is not Event.of_agent:  # (else the call is saved: each command comes here)
        of_agent = event.of_agent()
    plain: Fields = {}
    customer: Fields = {}
    agent: Fields = {}
    for name in event.__struct_fields__:
        value = getattr(event, name)
        if value is not UNSET:
            if name not in personal:
                plain[name] = value
            elif name in of_agent:
                agent[name] = value
            else:
                customer[name] = value
    return plain, customer, agent


def encode(
    topic: str,
    plain: Fields,
    customer: Fields,
    agent: Fields,
    stream: StreamId,
    keys: StreamKeys | None,
) -> bytes:
    """The bytes to store of an event that was `split`; personal fields need keys.

    Raises PersonalDataGone for those whose key is erased.
    """
    if not customer and not agent:
        return _ENCODER.encode(plain)
    if keys is None:
        raise ValueError("an event with personal fields needs a key")
    bound, stored = _bound_to(stream, topic), plain
    if agent:
        stored = {**stored, "sealed_agent": _boxed(agent, keys, "agent", bound)}
    if customer:
        stored = {**stored, "sealed": _boxed(customer, keys, "customer", bound)}
    return _ENCODER.encode(stored)


def _boxed(fields: Fields, keys: StreamKeys, subject: Subject, bound: bytes) -> Fields:
    box = keys.sealing(subject).seal(_ENCODER.encode(fields), bound)
    return {"fields": list(fields), "box": box}


def refuse_erased(events: Sequence[Event], keys: StreamKeys) -> None:
    """Raise PersonalDataGone if an event has fields of a subject whose key is erased."""
    for event in events:
        _, customer, agent = split(event)
        if customer:
            keys.sealing("customer")
        if agent:
            keys.sealing("agent")


def decode(topic: str, state: bytes, stream: StreamId, keys: StreamKeys | None) -> Event:
    """As `opened`, without the names of erased fields."""
    return opened(topic, state, stream, keys)[0]


def opened(
    topic: str, state: bytes, stream: StreamId, keys: StreamKeys | None
) -> tuple[Event, Sequence[str]]:
    """The stored event, upcast to its present form, and the names of its erased fields.

    Those are None in it. Raises Unreadable for an unknown name, altered bytes, or a key that was
    lost without being erased.
    """
    erased: Sequence[str] = ()
    try:
        if topic not in EVENTS and topic not in UPCASTS:
            raise Unreadable("no event has that name")
        fields = _FIELDS.decode(state)
        for member, subject in BOXES.items():
            if (sealed := fields.pop(member, None)) is None:
                continue
            if keys is None:
                raise Unreadable(NO_KEY)
            if (box := keys.of(subject)) is None:
                names = msgspec.convert(sealed["fields"], list[str])
                erased = (*erased, *names)
                fields |= dict.fromkeys(names)
            else:
                text = msgspec.convert(sealed["box"], bytes)
                fields |= _FIELDS.decode(box.open(text, _bound_to(stream, topic)))
        topic, fields = upcast(topic, fields)
        return msgspec.convert(fields, EVENTS[topic]), erased
    except (msgspec.MsgspecError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise Unreadable(repr(error)) from error


def text(state: bytes, topic: bytes, stream: bytes, keys: Opening) -> bytes:
    """All fields of a stored event as one JSON object, for `DECODERS`.

    `topic`, `stream`: what its boxes are bound to. What `keys` do not open is null. It is for
    readers of very many events: several times as fast as `decode`, it knows only the form that
    `encode` writes. Raises any error for another form, or for a box that should open and does not.
    """
    before, sealed, end = state.rpartition(_BOX)
    if not sealed:
        return state
    plain, mark, names = before.rpartition(_SEALED)
    if not mark or _AGENT in plain:
        return _text(state, stream + topic, keys)
    box = _decode_box(end.removesuffix(b"}}"))  # no JSON, if anything follows what is sealed
    if (decrypt := keys.of("customer")) is None:
        return plain + _nothing(names)
    return plain + decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], stream + topic)[1:]


@lru_cache(_NAMES)
def _nothing(names: bytes) -> bytes:
    """The end of a JSON object whose members with these names are null."""
    return names.replace(b",", b":null,") + b":null}"


def _text(state: bytes, bound: bytes, keys: Opening) -> bytes:
    """One event's text as above, whatever boxes it has."""
    left, members = state.removesuffix(b"}"), b"}"
    while (parts := left.rpartition(_BOX))[1]:
        before, _, end = parts
        of_agent = before.rfind(_AGENT) > before.rfind(_SEALED)
        at = before.rindex(_AGENT if of_agent else _SEALED)
        box = _decode_box(end.removesuffix(b"}"))
        if (decrypt := keys.of("agent" if of_agent else "customer")) is None:
            names = before[before.rindex(b"[") + 1 :]
            inner = _nothing(names)[:-1]
        else:
            inner = decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], bound)[1:-1]
        members = (b"," if members != b"}" else b"").join((inner, members))
        left = before[:at].removesuffix(b",")
    return left + (b"," if left != b"{" else b"") + members


def _bound_to(stream: StreamId, topic: str) -> bytes:
    # A sealed text does not open if it is moved to another stream or event type.
    return stream.bytes + topic.encode()
