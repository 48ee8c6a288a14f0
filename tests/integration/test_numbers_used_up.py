"""All numbers are given out to the last, then refused; of chats and of messages."""

import asyncio
import logging

import asyncpg
import pytest
from support import given
from support.chats import KIM, by, open_session
from support.database import ONE_PARTITION
from support.numbers import create, insert_deleted, leave, make_last, set_back

from app.chat.numbers import MAX_NUMBER, MESSAGES, SESSIONS
from app.log.errors import NumbersUsedUp
from app.service import Service
from app.telemetry import metrics
from domain.chat.enums import ChatMessageType
from domain.chat.message import ChatMessage
from domain.errors import NotFound
from domain.ids import ChatSessionId

HELLO = ChatMessage(type=ChatMessageType.TO_USER, message="Hello", author="Sam")


async def test_all_numbers_are_given_out_to_the_last(
    owner: asyncpg.Connection, fresh: tuple[Service, Service]
) -> None:
    await leave(owner, SESSIONS, 45)
    made = await asyncio.gather(
        *(create(each) for _ in range(40) for each in fresh), return_exceptions=True
    )
    numbers = [each for each in made if isinstance(each, int)]
    refused = [each for each in made if not isinstance(each, int)]
    # What one worker has drawn ahead, another cannot have.
    while len(numbers) < 45:
        for each in fresh:
            try:
                numbers.append(await create(each))
            except NumbersUsedUp as error:
                refused.append(error)
    assert sorted(numbers) == list(range(MAX_NUMBER - 44, MAX_NUMBER + 1))
    assert {type(each) for each in refused} == {NumbersUsedUp}
    assert str(MAX_NUMBER) in str(refused[0])


@ONE_PARTITION
async def test_a_refused_creation_uses_no_number(
    owner: asyncpg.Connection, service: Service
) -> None:
    await leave(owner, SESSIONS, 2)
    first = await create(service, "key")
    for _ in range(3):
        assert await create(service, "key") == first
    assert {first, await create(service)} == {MAX_NUMBER - 1, MAX_NUMBER}


async def test_it_is_told_long_before_that_numbers_run_out(
    service: Service, owner: asyncpg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "sessionary")
    await create(service)
    assert "run out" not in caplog.text
    await leave(owner, SESSIONS, MAX_NUMBER // 11)
    for _ in range(40):
        await create(service)
    assert caplog.text.count("Numbers run out: chat_session_number has used 90.9 %") == 1
    text = metrics.text(None).decode()
    assert 'sessionary_numbers_used_ratio{sequence="chat_session_number"} 0.909' in text


async def test_a_sequence_that_goes_on_behind_the_last_number_is_used_up_all_the_same(
    owner: asyncpg.Connection, fresh: tuple[Service, Service]
) -> None:
    for sequence in (SESSIONS, MESSAGES):
        await owner.execute(f"ALTER SEQUENCE {sequence} AS bigint MAXVALUE 9223372036854775807")
        await leave(owner, sequence, 1)
    number = await create(fresh[0])
    assert number == MAX_NUMBER
    with pytest.raises(NumbersUsedUp, match="chat sessions"):
        await create(fresh[0])
    with pytest.raises(NumbersUsedUp, match="chat sessions"):
        await create(fresh[1])
    await fresh[0].chat.add_message(ChatSessionId(number), HELLO, by(KIM))
    with pytest.raises(NumbersUsedUp, match="chat messages"):
        await fresh[0].chat.add_message(ChatSessionId(number), HELLO, by(KIM))


async def test_a_sequence_that_ends_before_what_the_log_has_is_used_up(
    owner: asyncpg.Connection, fresh: tuple[Service, Service]
) -> None:
    await make_last(owner, SESSIONS, 200)
    assert await create(fresh[0]) == 201
    await set_back(owner, SESSIONS)
    await owner.execute(f"ALTER SEQUENCE {SESSIONS} MAXVALUE 50")
    await insert_deleted(owner, range(1, 60))
    with pytest.raises(NumbersUsedUp):
        await create(fresh[1])


async def test_messages_are_posted_up_to_the_last_number(
    owner: asyncpg.Connection, fresh: tuple[Service, Service]
) -> None:
    talk = await open_session(fresh[0])
    await leave(owner, MESSAGES, 3)
    first = await fresh[0].chat.add_message(talk, HELLO, by(KIM, "k"))
    for each in fresh:
        await each.chat.add_message(talk, HELLO, by(KIM))
    with pytest.raises(NumbersUsedUp, match="chat messages"):
        await fresh[1].chat.add_message(talk, HELLO, by(KIM))
    again = await fresh[1].chat.add_message(talk, HELLO, by(KIM, "k"))
    assert again[0] == first[0]
    numbers = [message.chat_message_id for message in await fresh[0].chat.messages(talk, 0)]
    assert numbers == [MAX_NUMBER - 2, MAX_NUMBER - 1, MAX_NUMBER]
    with pytest.raises(NotFound):
        await fresh[0].chat.delete(ChatSessionId(98), given.call())
