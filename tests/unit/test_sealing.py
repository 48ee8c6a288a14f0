"""Secrets of a state: sealed in every view of its kind, and opened by nobody else's key."""

from typing import Any
from uuid import UUID

import msgspec
import pytest
from msgspec import Struct, inspect
from msgspec.structs import replace
from support.chat_rows import SAMPLES

from app.history.masking import HIDDEN, Shown
from app.log.errors import Unreadable
from app.log.keyring import Keyring
from domain.chat.events import ChatSessionCreated, ChatSessionUpdated
from domain.chat.session import ChatSession
from domain.ids import ChatSessionId, StreamId
from domain.stored import EVENTS
from projections.catalog import CURRENT, VIEWS
from projections.chat_session_entity import VIEW
from projections.sealing import MARK, secret_of
from projections.view import View

S7, S8 = StreamId(UUID(int=7)), StreamId(UUID(int=8))
KEYRING = Keyring(b"m" * 32)
KEY = "sesame-opens-the-mountain"
KEYS = [KEY, "", "x" * 255, "Grüezi \N{KEY}", '"sealed"', "\\\n\x7f"]


def written(state: object, view: View = VIEW, keyring: Keyring = KEYRING) -> str:
    doc = view.doc(S7, state, keyring.seal_in_view)
    assert doc is not None
    return doc


def read(
    doc: str, view: View = VIEW, keyring: Keyring = KEYRING, stream: StreamId = S7
) -> ChatSession:
    state = msgspec.json.decode(doc, type=view.state)
    opened: ChatSession = view.opened(stream, state, doc, keyring.open_in_view)
    return opened


def is_text(declared: inspect.Type) -> bool:
    """Whether a field holds a text, of any length, if anything."""
    parts = declared.types if isinstance(declared, inspect.UnionType) else (declared,)
    return {type(part) for part in parts} <= {inspect.StrType, inspect.NoneType}


def test_secrets_are_texts_and_personal_and_have_no_other_name_in_a_document() -> None:
    for holder in (*EVENTS.values(), *(view.state for view in VIEWS)):
        secret, info = secret_of(holder), inspect.type_info(holder)
        assert isinstance(info, inspect.StructType)
        texts = {field.name for field in info.fields if is_text(field.type)}
        assert secret <= texts & getattr(holder, "personal", texts)
        assert all(field.encode_name == field.name for field in info.fields if field.name in secret)
        assert "sealed" not in {field.encode_name for field in info.fields}


def test_a_state_s_secrets_are_those_of_its_events() -> None:
    assert secret_of(ChatSession) == {"session_key"}
    for kind, view in CURRENT.items():
        events = [event for topic, event in EVENTS.items() if topic.startswith(f"{kind}.")]
        assert secret_of(view.state) == frozenset().union(*map(secret_of, events))
    for event in (ChatSessionCreated, ChatSessionUpdated):
        assert event.secret == {"session_key"}


@pytest.mark.parametrize("key", KEYS)
def test_a_secret_is_null_in_its_document_and_comes_back(key: str) -> None:
    state = replace(SAMPLES[0], session_key=key)
    doc = written(state)
    members = msgspec.json.decode(doc)
    assert members.pop("sealed").keys() == {"session_key"}
    assert members == msgspec.to_builtins(replace(state, session_key=None))
    assert MARK in doc
    assert not key or KEY not in doc
    assert read(doc) == state


def test_a_state_without_a_secret_is_written_as_ever() -> None:
    state = ChatSession(customer_name='"sealed"')
    doc = written(state)
    assert doc.encode() == msgspec.json.encode(state)
    assert MARK not in doc
    assert read(doc) == state


def test_the_same_secret_is_sealed_alike_but_for_no_other_stream_or_view() -> None:
    state = ChatSession(session_key=KEY)
    other = replace(VIEW, projection="another")
    assert written(state) == written(state)
    assert VIEW.doc(S8, state, KEYRING.seal_in_view) != written(state) != written(state, other)
    with pytest.raises(Unreadable, match=r"session_key was altered"):
        read(written(state), stream=S8)
    with pytest.raises(Unreadable):
        read(written(state), other)
    with pytest.raises(Unreadable):
        read(written(state), keyring=Keyring(b"n" * 32))


@pytest.mark.parametrize(
    "sealed", [{"session_key": ""}, {"session_key": "AAAA"}, {"session_key": "A" * 64}]
)
def test_an_altered_secret_is_not_opened(sealed: object) -> None:
    with pytest.raises(Unreadable):
        read(msgspec.json.encode({"sealed": sealed}).decode())


@pytest.mark.parametrize("sealed", [7, ["session_key"], {"session_key": 7}, {"session_key": "?"}])
def test_what_is_no_sealed_text_is_a_document_that_cannot_be_decoded(sealed: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        read(msgspec.json.encode({"sealed": sealed}).decode())


def test_a_member_that_a_state_does_not_have_is_passed_over_as_any_other() -> None:
    assert read('{"sealed": {"more": "AAAA"}}') == ChatSession()


class Mine(Struct, frozen=True):
    session_key: str | None
    number: int = 0


class Open(Struct, frozen=True):
    number: int


@pytest.mark.parametrize(
    "shown",
    [
        lambda state: Mine(state.session_key),
        lambda state: {"session_key": state.session_key, "number": 0},
    ],
    ids=["by its type", "as a map"],
)
def test_every_view_of_the_kind_seals_it(shown: Any) -> None:
    further = replace(VIEW, projection="mine", state=Mine, shown=shown)
    doc = written(ChatSession(session_key=KEY), further)
    assert KEY not in doc
    assert msgspec.json.decode(doc)["session_key"] is None
    assert read(doc, further) == Mine(KEY)  # type: ignore[comparison-overlap]


def test_a_view_that_does_not_show_it_has_nothing_to_seal() -> None:
    further = replace(VIEW, projection="open", state=Open, shown=lambda s: Open(s.chat_session_id))
    state = ChatSession(chat_session_id=ChatSessionId(7), session_key=KEY)
    assert written(state, further) == '{"number":7}'


def test_a_history_hides_a_secret_however_clear_it_is() -> None:
    for clear in (True, False):
        shown = Shown("chat_session", clear)
        for holder in (ChatSessionUpdated(session_key=KEY), ChatSession(session_key=KEY)):
            assert shown.members(holder)["SessionKey"] == HIDDEN
        assert shown.members(ChatSession())["SessionKey"] is None
        assert "SessionKey" not in shown.members(ChatSessionUpdated(rank=1))
