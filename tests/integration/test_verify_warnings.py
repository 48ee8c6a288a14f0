"""What will be a trouble is told before it is one."""

import asyncpg
from support import given
from support.beside import silent
from support.chats import open_session
from support.differences import assert_matches
from support.numbers import make_last, set_back

from app.chat.numbers import MESSAGES, SESSIONS
from app.integrity.positions import warnings
from app.integrity.verify import verify
from app.log.keyring import Keyring
from app.maintenance.store import Connection
from app.service import Service
from domain.chat.message import ChatMessage


async def test_a_sequence_behind_the_log_is_told_until_it_is_moved(
    service: Service, store: Connection, owner: asyncpg.Connection, keyring: Keyring
) -> None:
    talk = await open_session(service)
    posted, _ = await service.chat.add_message(talk, ChatMessage(), given.call())
    gone = await open_session(service)
    await service.chat.add_message(gone, ChatMessage(), given.call())
    await service.chat.delete(gone, given.call())
    for sequence in (SESSIONS, MESSAGES):
        await set_back(owner, sequence)
    differences = await verify(store, keyring, silent)
    assert [line.split(":")[0] for line in differences] == [
        f"The sequence chat_session_number is at 0, but the log has {gone}",
        f"The sequence chat_message_number is at 0, but the log has {posted.chat_message_id + 1}",
    ]
    for line in differences:
        await owner.execute(line.split("`")[1])
    assert await verify(store, keyring, silent) == []


async def test_what_will_be_a_trouble_is_told_and_is_no_difference(
    service: Service, store: Connection, owner: asyncpg.Connection, keyring: Keyring
) -> None:
    await given.open_ai_session(service)
    assert await warnings(store) == []
    await owner.execute(
        "UPDATE log_partition SET recorded_at = now() + interval '1 hour' WHERE partition = 0"
    )
    await make_last(owner, MESSAGES, 2_000_000_000)
    ahead, used = await warnings(store)
    assert_matches(ahead, "Partition 0: the time of its head, .*, is 3[56].. s ahead of the clock")
    assert_matches(used, "Numbers run out: chat_message_number is at 2000000000")
    assert await verify(store, keyring, silent) == []
