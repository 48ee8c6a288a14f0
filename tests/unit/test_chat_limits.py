"""Maps and lists of a chat session have an end."""

from collections.abc import Callable
from typing import Any

import pytest
from support.changes import Made
from support.chat_pasts import CREATED, S7, state_after

from domain.chat.carriers import Address, Associate, Contact, LocalizedField
from domain.chat.events import ChatSessionCreated, ChatSessionUpdated
from domain.chat.fields import ChatSessionFields
from domain.chat.session import (
    ChangeChatSession,
    ChatSession,
    Command,
    NewChatSession,
    UpdateChatSession,
    decide,
)
from domain.errors import InvalidField
from domain.limits import LIST_ITEMS, MAP_MEMBERS

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

        def change(_: ChatSessionFields, wanted: Any = wanted) -> ChatSessionFields:
            return ChatSessionFields(**wanted)

        commands: list[tuple[Command, ChatSession | None]] = [
            (NewChatSession(chat_session_id=S7, **wanted), None),
            (UpdateChatSession(chat_session_id=S7, **wanted), held),
            (ChangeChatSession(chat_session_id=S7, asked=b"", change=Made(change)), held),
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
