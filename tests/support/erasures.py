"""Sessions with canaries in their personal data, their erasure, and the search for what is left."""

import re
from uuid import UUID

import asyncpg

from app.commands.context import Generated
from app.erasure.erase import Eraser
from app.erasure.scope import Erased
from app.history.sessions import session_named
from app.proof import signing
from app.proof.receipt import parse_receipts, show_receipt
from app.service import Service
from domain.chat.actions import PickUpChatSession
from domain.chat.carriers import Associate
from domain.chat.enums import ChatMessageType, ChatSessionStatus
from domain.chat.message import ChatMessage
from domain.chat.session import NewChatSession
from domain.date_time import DateTime
from domain.event import Subject
from domain.ids import chat_session_stream
from support import given

CANARY = "canary-8f31"
"""In every personal value of those who are erased, and of who called about them."""
_BYTES = re.compile(r"\\x((?:[0-9a-f]{2})+)")
_NOW = DateTime("2026-11-21T12:00:00")


async def erased(
    service: Service, session_id: str, *subjects: Subject, reason: str = "asked for"
) -> Erased:
    """Erase personal data of a session: of all subjects, unless some are given."""
    session = await session_named(service.reader, session_id)
    eraser = Eraser(service.log, service.reader, given.call("dora", canary=CANARY), reason)
    return await eraser.of_sessions([session], lambda _: subjects or ("customer", "agent"))


async def everything(owner: asyncpg.Connection) -> str:
    """All that the database holds, as text, and what its bytes are as text."""
    tables = await owner.fetch(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    found = []
    for (name,) in tables:
        found += await owner.fetch(f'SELECT t::text FROM "{name}" AS t')
    text = "\n".join(row[0] for row in found)
    return text + "\n".join(bytes.fromhex(each).decode("latin-1") for each in _BYTES.findall(text))


async def opened(service: Service, canary: str = CANARY) -> str:
    """An AI session with a canary in each personal value."""
    done = await given.open_ai_session(service, purpose=f"{canary} one", canary=canary)
    session = given.session_of(done)
    await given.patch_ai_session(service, session, f"{canary} two", given.call(canary=canary))
    return str(session)


async def chatted(service: Service, canary: str = CANARY) -> str:
    """A chat session with canaries of the customer and of the agent, who both wrote."""
    by = given.call(canary=canary)
    number = await service.chat.new_number(by)
    new = NewChatSession(
        chat_session_id=number,
        status=ChatSessionStatus.IN_QUEUE,
        customer_name=f"{canary} customer",
        customer_email=f"{canary}@example.com",
        session_key=f"{canary} customer's",
    )
    await service.commands.handle(
        new, by, Generated(("chat_session_id",), chat_session_stream(number))
    )
    agent = Associate(associate_id=7, name=f"{canary} agent")
    pick = PickUpChatSession(chat_session_id=number, agent=agent, rank=1, at=_NOW)
    await service.commands.handle(pick, by)
    for kind, author in (
        (ChatMessageType.TO_USER, "customer"),
        (ChatMessageType.TO_CUSTOMER, "agent"),
    ):
        message = ChatMessage(
            type=kind, message=f"{canary} customer asks", author=f"{canary} {author}"
        )
        await service.chat.add_message(number, message, by)
    return str(number)


async def keys_of(owner: asyncpg.Connection, stream: UUID) -> bytes:
    """What the database has of a stream's keys."""
    kept: bytes = await owner.fetchval(
        "SELECT wrapped FROM stream_key WHERE stream_id = $1", stream
    )
    return kept


async def shown_by(service: Service, receipts: str) -> list[str]:
    """What receipts show by the log's own keys. Raises Unproven."""
    keys = [
        key
        for partition in range(service.log.partitions)
        for key in await signing.vkeys(service.pool, partition)
    ]
    found = parse_receipts(receipts.encode())
    return [text for each in found for text in show_receipt(each, keys)[0]]
