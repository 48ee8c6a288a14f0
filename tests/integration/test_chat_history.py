"""Messages in pages, from any of them on; and lists that read what they show, no more."""

import pytest
from support.chats import KIM, Clock, by, chat_by, open_session

from app.codecs.answer_budget import AnswerBudget, AnswerTooLarge
from app.faces.superoffice.lists.columns import COLUMNS, unread_members
from app.queries.page import Order, Page
from app.queries.tables import CHAT_SESSIONS
from app.queries.views import Views
from app.service import Service
from domain.chat.enums import ChatMessageType
from domain.chat.message import ChatMessage

HELLO = ChatMessage(type=ChatMessageType.TO_USER, message="x" * 1000)


async def test_pages_from_any_message_on_are_those_of_all(service: Service) -> None:
    chat = chat_by(service, Clock())
    talk = await open_session(service, chat=chat)
    await chat.pick_up(talk, KIM, by(KIM))
    posted = [(await chat.add_message(talk, HELLO, by(KIM)))[0] for _ in range(230)]
    numbers = [message.chat_message_id for message in posted]
    for at in (0, 1, 49, 50, 51, 120, 200, 228, 229):
        for after in (numbers[at], numbers[at] - 1):
            for most in (1, 50, 120):
                found = await chat.messages(talk, after, most=most)
                assert found == [each for each in posted if each.chat_message_id > after][:most]
    assert await chat.messages(talk, 0, most=0) == []


async def test_messages_are_counted_while_they_are_read(service: Service) -> None:
    chat = chat_by(service, Clock())
    talk = await open_session(service, chat=chat)
    for _ in range(3):
        await chat.add_message(talk, HELLO, by(KIM))
    for most in (None, 3):
        with pytest.raises(AnswerTooLarge):
            await chat.messages(talk, 0, most=most, budget=AnswerBudget(3_000))
    assert len(await chat.messages(talk, 0, most=1, budget=AnswerBudget(3_000))) == 1


@pytest.mark.parametrize("name", [name for name, each in COLUMNS.items() if each.selectable])
async def test_a_column_shows_the_same_without_what_it_does_not_read(
    samples: Views, name: str
) -> None:
    page = Page(order=[Order(CHAT_SESSIONS.columns["chat_session_id"])], limit=100, counted=False)
    unread = unread_members((name,))
    whole = await samples.page(CHAT_SESSIONS, page)
    less = await samples.page(
        CHAT_SESSIONS,
        Page(order=page.order, limit=page.limit, counted=False, unread=unread),
    )
    column = COLUMNS[name]
    assert [(column.raw(row.folded), column.shown(row.folded)) for row in less.items] == [
        (column.raw(row.folded), column.shown(row.folded)) for row in whole.items
    ]
    assert len(unread) >= 6
