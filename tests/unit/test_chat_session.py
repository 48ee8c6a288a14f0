from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from domain.chat.carriers import Address, Associate, Contact, LocalizedField, Person
from domain.chat.enums import ChatSessionFlags, ChatSessionStatus
from domain.chat.events import (
    ChatSessionClosed,
    ChatSessionCreated,
    ChatSessionDeleted,
    ChatSessionEvent,
    ChatSessionRated,
    ChatSessionUpdated,
)
from domain.chat.evolve import evolve
from domain.chat.session import (
    CHANGEABLE,
    ENDED,
    ChangeChatSession,
    ChatSession,
    ChatSessionFields,
    Command,
    DeleteChatSession,
    NewChatSession,
    UpdateChatSession,
    adapted,
    decide,
)
from domain.date_time import EMPTY, DateTime
from domain.errors import AlreadyExists, InvalidField, NotFound
from domain.ids import ChatSessionId
from domain.limits import LIST_ITEMS, MAP_MEMBERS

S7 = ChatSessionId(7)
CREATED = ChatSessionCreated(chat_session_id=S7, customer_name="Kim", rating=3)
DELETED = ChatSessionDeleted()
NOON = DateTime("2026-11-21T12:00:00")
LATER = DateTime("2026-11-21T12:00:01")
KIM, PAT = Associate(associate_id=1), Associate(associate_id=2)


def state_after(*past: ChatSessionEvent) -> ChatSession | None:
    nothing: ChatSession | None = None
    return reduce(evolve, past, nothing)


def test_a_new_session_records_only_what_differs_from_the_default() -> None:
    command = NewChatSession(chat_session_id=S7, topic_id=0, customer_name="Kim", rating=3)
    assert decide(command, None) == [CREATED]
    assert msgspec.json.decode(msgspec.json.encode(CREATED)) == {
        "chat_session_id": 7,
        "customer_name": "Kim",
        "rating": 3,
    }


def test_a_new_session_may_hold_nothing_but_its_id() -> None:
    events = decide(NewChatSession(chat_session_id=S7), None)
    assert events == [ChatSessionCreated(chat_session_id=S7)]
    assert state_after(*events) == ChatSession(chat_session_id=S7)


@pytest.mark.parametrize("past", [[CREATED], [CREATED, DELETED]], ids=["there", "deleted"])
def test_a_taken_id_is_refused_for_ever(past: Sequence[ChatSessionEvent]) -> None:
    with pytest.raises(AlreadyExists, match="ChatSession 7 exists already"):
        decide(NewChatSession(chat_session_id=S7), state_after(*past))


def test_an_update_that_changes_nothing_adds_no_event() -> None:
    command = UpdateChatSession(chat_session_id=S7, customer_name="Kim", rating=3)
    assert decide(command, state_after(CREATED)) == []


def test_an_update_records_only_what_changed() -> None:
    command = UpdateChatSession(
        chat_session_id=S7, customer_name="Kim", rating=3, status=ChatSessionStatus.FAQ
    )
    events = decide(command, state_after(CREATED))
    assert events == [ChatSessionUpdated(status=ChatSessionStatus.FAQ)]


def test_an_update_takes_what_it_leaves_out_back_to_the_default() -> None:
    events = decide(UpdateChatSession(chat_session_id=S7), state_after(CREATED))
    assert events == [ChatSessionUpdated(customer_name=None), ChatSessionRated(rating=0)]
    assert state_after(CREATED, *events) == ChatSession(chat_session_id=S7)


def test_a_carrier_is_replaced_as_a_whole() -> None:
    before = ChatSessionCreated(chat_session_id=S7, contact=Contact(contact_id=1, name="A"))
    wanted = UpdateChatSession(chat_session_id=S7, contact=Contact(contact_id=1))
    assert decide(wanted, state_after(before)) == [
        ChatSessionUpdated(contact=Contact(contact_id=1))
    ]


def test_a_member_given_as_null_differs_from_one_not_given() -> None:
    before = ChatSessionCreated(chat_session_id=S7, contact=Contact(name=None))
    wanted = UpdateChatSession(chat_session_id=S7, contact=Contact())
    assert decide(wanted, state_after(before)) == [ChatSessionUpdated(contact=Contact())]


def test_dates_are_compared_as_text() -> None:
    before = ChatSessionCreated(chat_session_id=S7, when_ended=DateTime("2018-11-21T00:00:00Z"))
    same_instant = DateTime("2018-11-21T00:00:00.0Z")
    wanted = UpdateChatSession(chat_session_id=S7, when_ended=same_instant)
    assert decide(wanted, state_after(before)) == [ChatSessionUpdated(when_ended=same_instant)]


def test_a_deleted_session_holds_nothing_but_its_id() -> None:
    events = decide(DeleteChatSession(chat_session_id=S7), state_after(CREATED))
    assert events == [DELETED]
    assert state_after(CREATED, DELETED) == ChatSession(chat_session_id=S7, deleted=True)


@pytest.mark.parametrize("to", [None, Associate(associate_id=2), Associate(associate_id=3)])
def test_an_update_that_ends_a_session_says_to_whom_it_is_to_be_handed(
    to: Associate | None,
) -> None:
    past = replace(CREATED, transfer_to=Associate(associate_id=2), customer_name=None, rating=0)
    wanted = UpdateChatSession(
        chat_session_id=S7, status=ChatSessionStatus.CLOSED, when_ended=NOON, transfer_to=to
    )
    state = state_after(past, *decide(wanted, state_after(past)))
    assert state is not None
    assert (state.status, state.transfer_to) == (ChatSessionStatus.CLOSED, to)
    assert decide(wanted, state) == []


@pytest.mark.parametrize("past", [[], [CREATED, DELETED]], ids=["never there", "deleted"])
@pytest.mark.parametrize(
    "command",
    [UpdateChatSession(chat_session_id=S7), DeleteChatSession(chat_session_id=S7)],
    ids=["update", "delete"],
)
def test_a_session_that_is_not_there_is_not_found(
    command: Command, past: Sequence[ChatSessionEvent]
) -> None:
    with pytest.raises(NotFound, match="ChatSession 7 does not exist"):
        decide(command, state_after(*past))


def test_a_session_has_31_fields_and_all_but_the_id_can_change() -> None:
    fields = ChatSessionFields.__struct_fields__
    assert len(fields) == 31
    assert fields == ("chat_session_id", *CHANGEABLE)


def test_what_names_a_person_is_personal() -> None:
    impersonal = set(CHANGEABLE) - ChatSessionUpdated.personal
    assert ChatSessionUpdated.personal < set(CHANGEABLE)
    assert ChatSessionCreated.personal == ChatSessionUpdated.personal
    assert not {name for name in impersonal if name.startswith("customer_")} - {
        "customer_consented"
    }


def test_a_rating_and_an_end_have_events_of_their_own() -> None:
    command = UpdateChatSession(
        chat_session_id=S7, rating=5, status=ChatSessionStatus.FINISHED, at=NOON
    )
    events = decide(command, state_after(CREATED))
    assert events == [
        ChatSessionUpdated(customer_name=None),
        ChatSessionRated(rating=5),
        ChatSessionClosed(status=ChatSessionStatus.FINISHED, reason="by_client", when_ended=NOON),
    ]


@pytest.mark.parametrize(
    "status",
    [status for status in ChatSessionStatus if status is not ChatSessionStatus.INVALID],
    ids=str,
)
def test_every_status_can_be_given_and_given_again(status: ChatSessionStatus) -> None:
    command = UpdateChatSession(chat_session_id=S7, status=status, at=NOON)
    state = state_after(CREATED, *decide(command, state_after(CREATED)))
    assert state is not None
    assert state.status is status
    later = UpdateChatSession(chat_session_id=S7, status=status, at=LATER)
    assert decide(later, state) == []


@pytest.mark.parametrize("kind", [NewChatSession, UpdateChatSession], ids=["new", "update"])
def test_who_comes_to_the_queue_waits_from_then_on_at_a_place(
    kind: type[NewChatSession | UpdateChatSession],
) -> None:
    command = kind(chat_session_id=S7, status=ChatSessionStatus.IN_QUEUE, at=NOON, queue_pos=4)
    past = [] if kind is NewChatSession else [CREATED]
    state = state_after(*past, *decide(command, state_after(*past)))
    assert state is not None
    assert (state.when_requested, state.initial_queue_pos) == (NOON, 4)


def test_an_empty_date_in_utc_is_as_empty_as_any() -> None:
    command = NewChatSession(
        chat_session_id=S7,
        status=ChatSessionStatus.IN_QUEUE,
        when_requested=DateTime("0001-01-01T00:00:00.000Z"),
        at=NOON,
    )
    state = state_after(*decide(command, None))
    assert state is not None
    assert state.when_requested == NOON


def test_what_the_client_says_of_queue_and_end_counts() -> None:
    queued = UpdateChatSession(
        chat_session_id=S7, status=ChatSessionStatus.IN_QUEUE, at=NOON, queue_pos=4,
        when_requested=LATER, initial_queue_pos=161,
    )  # fmt: skip
    state = state_after(CREATED, *decide(queued, state_after(CREATED)))
    assert state is not None
    assert (state.when_requested, state.initial_queue_pos) == (LATER, 161)
    ended = UpdateChatSession(
        chat_session_id=S7, status=ChatSessionStatus.CLOSED, at=NOON, when_ended=LATER
    )
    state = state_after(CREATED, *decide(ended, state_after(CREATED)))
    assert state is not None
    assert state.when_ended == LATER


def test_one_end_after_the_other_is_the_same_end() -> None:
    finished = UpdateChatSession(chat_session_id=S7, status=ChatSessionStatus.FINISHED, at=NOON)
    state = state_after(CREATED, *decide(finished, state_after(CREATED)))
    closed = UpdateChatSession(chat_session_id=S7, status=ChatSessionStatus.CLOSED, at=LATER)
    assert decide(closed, state) == [
        ChatSessionClosed(status=ChatSessionStatus.CLOSED, reason="by_client")
    ]


@pytest.mark.parametrize("status", [ChatSessionStatus.IN_QUEUE, ChatSessionStatus.USER_LAST])
def test_what_is_open_again_has_not_ended(status: ChatSessionStatus) -> None:
    held = ChatSessionFields(status=ChatSessionStatus.CLOSED, when_ended=NOON)
    opened = replace(held, status=status)
    assert adapted(opened, held) == replace(opened, when_ended=EMPTY)
    said = replace(opened, when_ended=LATER)
    assert adapted(said, held) == said


def test_what_stays_ended_or_open_keeps_its_end() -> None:
    closed = ChatSessionFields(status=ChatSessionStatus.CLOSED, when_ended=NOON)
    finished = replace(closed, status=ChatSessionStatus.FINISHED)
    waiting = replace(closed, status=ChatSessionStatus.IN_QUEUE)
    assert adapted(finished, closed) == finished
    assert adapted(waiting, waiting) == waiting


@pytest.mark.parametrize("status", sorted(ENDED), ids=str)
def test_what_ends_is_offered_to_nobody(status: ChatSessionStatus) -> None:
    held = ChatSessionFields(status=ChatSessionStatus.USER_LAST, transfer_to=KIM)
    ended = replace(held, status=status)
    assert adapted(ended, held) == replace(ended, transfer_to=None)
    said = replace(ended, transfer_to=PAT)
    assert adapted(said, held) == said
    assert adapted(ended, ended) == ended


def test_who_comes_back_to_the_queue_waits_anew() -> None:
    queued = UpdateChatSession(chat_session_id=S7, status=ChatSessionStatus.IN_QUEUE, at=NOON)
    left = UpdateChatSession(chat_session_id=S7, status=ChatSessionStatus.FAQ, at=NOON)
    past: list[ChatSessionEvent] = [CREATED]
    for command in (queued, left):
        past += decide(command, state_after(*past))
    again = UpdateChatSession(chat_session_id=S7, status=ChatSessionStatus.IN_QUEUE, at=LATER)
    state = state_after(*past, *decide(again, state_after(*past)))
    assert state is not None
    assert state.when_requested == LATER


texts = st.none() | st.text(max_size=3)
numbers = st.integers(-2, 2)
dates = st.sampled_from([DateTime("0001-01-01T00:00:00"), DateTime("2018-11-21T16:32:47.1492785Z")])
updates = st.builds(
    UpdateChatSession,
    chat_session_id=st.just(S7),
    topic_id=numbers,
    rank=numbers,
    customer_alias=texts,
    last_message=texts,
    customer_consented=st.booleans(),
    status=st.sampled_from(ChatSessionStatus),
    flags=st.sampled_from(ChatSessionFlags),
    when_idle=dates,
    person=st.none() | st.builds(Person, person_id=numbers, firstname=st.just(UNSET) | texts),
)


@settings(max_examples=25)
@given(st.lists(updates, max_size=3))
def test_what_was_decided_brings_the_state_to_the_command(
    commands: list[UpdateChatSession],
) -> None:
    state = state_after(CREATED)
    for command in commands:
        events = decide(command, state)
        stored = [
            msgspec.json.decode(msgspec.json.encode(event), type=type(event)) for event in events
        ]
        state = reduce(evolve, stored, state)
        assert state is not None
        assert {name: getattr(state, name) for name in CHANGEABLE} == {
            name: getattr(command, name) for name in CHANGEABLE
        }
        assert decide(command, state) == []


def test_a_change_is_made_of_what_is_there() -> None:
    def promoted(held: ChatSessionFields) -> ChatSessionFields:
        return replace(held, chat_session_id=ChatSessionId(8), alert_level=held.rating + 1)

    command = ChangeChatSession(chat_session_id=S7, asked=b"", change=promoted, at=NOON)
    assert decide(command, state_after(CREATED)) == [ChatSessionUpdated(alert_level=4)]


def test_an_update_is_what_its_fields_make_of_what_is_there() -> None:
    def kept(held: ChatSessionFields) -> ChatSessionFields:
        return replace(held, alert_level=held.rating + 1, status=ChatSessionStatus.IN_QUEUE)

    command = UpdateChatSession(chat_session_id=S7, rating=9, change=kept, at=NOON, queue_pos=5)
    (event,) = decide(command, state_after(CREATED))
    assert event == ChatSessionUpdated(
        alert_level=4,
        status=ChatSessionStatus.IN_QUEUE,
        when_requested=NOON,
        initial_queue_pos=5,
    )


def test_a_change_to_the_same_records_nothing() -> None:
    command = ChangeChatSession(chat_session_id=S7, asked=b"", change=lambda held: held)
    assert decide(command, state_after(CREATED)) == []


def test_what_follows_from_a_status_follows_from_a_change_too() -> None:
    command = ChangeChatSession(
        chat_session_id=S7,
        asked=b"",
        change=lambda held: replace(held, status=ChatSessionStatus.IN_QUEUE),
        at=NOON,
        queue_pos=5,
    )
    (event,) = decide(command, state_after(CREATED))
    assert isinstance(event, ChatSessionUpdated)
    assert (event.when_requested, event.initial_queue_pos) == (NOON, 5)


def test_what_is_not_there_is_not_changed() -> None:
    command = ChangeChatSession(chat_session_id=S7, asked=b"", change=lambda held: held)
    with pytest.raises(NotFound):
        decide(command, state_after(CREATED, DELETED))


MEMBERS: dict[str, str | None] = dict.fromkeys(map(str, range(MAP_MEMBERS)))
PARTS = (LocalizedField(name="p"),) * LIST_ITEMS
MORE: dict[str, Callable[[int], dict[str, Any]]] = {
    "User.ExtraFields": lambda more: {"user": Associate(extra_fields=members(more))},
    "User.CustomFields": lambda more: {"user": Associate(custom_fields=members(more))},
    "TransferTo.CustomFields": lambda more: {"transfer_to": Associate(custom_fields=members(more))},
    "Contact.Address.LocalizedAddress": lambda more: {
        "contact": living_at((PARTS,) * (LIST_ITEMS + more))
    },
    "Contact.Address.LocalizedAddress ": lambda more: {
        "contact": living_at(((), (*PARTS, *PARTS[:more])))
    },
}
"""What makes a carrier with as many values as one may have, and `more`, by its documented name."""


def members(more: int) -> dict[str, str | None]:
    return MEMBERS | {f"more {number}": None for number in range(more)}


def living_at(lines: tuple[tuple[LocalizedField, ...], ...]) -> Contact:
    return Contact(address=Address(localized_address=lines))


@pytest.mark.parametrize(("path", "fields"), MORE.items(), ids=MORE)
def test_maps_and_lists_of_carriers_have_a_number_of_values_at_most(
    path: str, fields: Callable[[int], dict[str, Any]]
) -> None:
    held = state_after(CREATED)
    for more in (0, 1):
        wanted = fields(more)

        def change(_: ChatSessionFields, wanted: Any = wanted) -> ChatSessionFields:  # noqa: ANN401
            return ChatSessionFields(**wanted)

        commands: list[tuple[Command, ChatSession | None]] = [
            (NewChatSession(chat_session_id=S7, **wanted), None),
            (UpdateChatSession(chat_session_id=S7, **wanted), held),
            (ChangeChatSession(chat_session_id=S7, asked=b"", change=change), held),
        ]
        for command, state in commands:
            if more == 0:
                assert decide(command, state)
                continue
            with pytest.raises(InvalidField, match="is the most") as refused:
                decide(command, state)
            assert refused.value.field == path.strip()


@pytest.mark.parametrize("fields", MORE.values(), ids=MORE)
def test_what_holds_more_already_may_stay_or_become_less(
    fields: Callable[[int], dict[str, Any]],
) -> None:
    large = state_after(ChatSessionCreated(chat_session_id=S7, **fields(2)))

    def update(more: int) -> Command:
        return UpdateChatSession(chat_session_id=S7, rank=1, **fields(more))

    assert decide(update(2), large) == [ChatSessionUpdated(rank=1)]
    assert decide(update(1), large)
    with pytest.raises(InvalidField):
        decide(update(3), large)
