"""A log that an older release wrote, through the `append` that it had, brought up to date."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import asyncpg
import pytest
from support import database, given

from app.database import migrate
from app.integrity.verify import verify
from app.log import codec
from app.log.keyring import Keyring
from app.maintenance.store import connected
from app.rebuild.rebuild import named, rebuild
from app.service import Service, open_service
from app.settings import Settings
from domain.ai_session import AISessionDeleted
from domain.chat.events import ChatSessionCreated
from domain.chat.session import ChatSessionFields
from domain.event import Event
from domain.ids import ChatSessionId, StreamId, chat_session_stream
from projections.chat_session_entity import VIEW

BEFORE = 9
"""The last migration whose `append` did not ask of which kind a stream is."""
KEYRING = Keyring(database.MASTER_KEY)
NUMBER = ChatSessionId(1)
STREAM = chat_session_stream(NUMBER)
APPEND = """
    SELECT append(0, ARRAY['old'], ARRAY['{}'::jsonb], ARRAY[$1], NULL, ARRAY[1], ARRAY[$2::uuid],
                  ARRAY[$3::bigint], NULL, ARRAY[$4::jsonb], NULL, NULL, NULL,
                  ARRAY[$5], ARRAY[$6::bytea], ARRAY[$7::uuid], false)
"""


@pytest.fixture
async def older(empty_database_url: str) -> str:
    """The database of the older release, with what its DELETE of an AI session could do."""
    connection = await asyncpg.connect(empty_database_url)
    await migrate.migrate(connection, migrate.available()[:BEFORE])
    await migrate.keep_check_value(connection, KEYRING.check_value())
    created = ChatSessionCreated(chat_session_id=NUMBER)
    doc = VIEW.doc(VIEW.evolve(None, created))
    await _append(connection, VIEW.name, STREAM, 0, doc, created)
    await _append(connection, "ai_session_info", STREAM, 1, None, AISessionDeleted())
    await connection.execute("SELECT nextval('chat_session_number')")
    await migrate.migrate(connection, migrate.available())
    await connection.close()
    return empty_database_url


async def _append(
    connection: asyncpg.Connection,
    view: str,
    stream: StreamId,
    expected: int,
    doc: str | None,
    event: Event,
) -> None:
    plain, secret = codec.split(event)
    state = codec.encode(event.topic, plain, secret, stream, None)
    await connection.execute(APPEND, view, stream, expected, doc, event.topic, state, uuid4())


@pytest.fixture
async def upgraded(older: str) -> AsyncIterator[Service]:
    opened = await open_service(
        Settings(database_url=older, master_key=database.MASTER_KEY, store_deadline_s=10.0)
    )
    yield opened
    await opened.close()


def silent(_done: int, _total: int) -> None:
    """Progress that nobody looks at."""


async def test_a_log_with_an_event_of_another_kind_goes_on(older: str, upgraded: Service) -> None:
    async with connected(older) as store:
        told = await verify(store, KEYRING, silent)
        stray = f"stream {STREAM} has version 2 at position 0:2, ai_session.deleted.v1, which"
        assert any(stray in line for line in told)
        changed = await upgraded.chat.update(
            NUMBER, ChatSessionFields(customer_name="Kim"), given.call()
        )
        assert (changed.folded.version, changed.folded.audit.created_by) == (3, "old")
        rebuilt = await rebuild(store, KEYRING, named(()), silent)
        assert len(rebuilt.passed) == 1
        assert set(rebuilt.mended.values()) == {0}
        assert [line for line in await verify(store, KEYRING, silent) if stray not in line] == []
    assert (await given.open_chat_session(upgraded)).folded.state.chat_session_id == 2


async def test_the_function_that_did_not_ask_is_gone(older: str) -> None:
    connection = await asyncpg.connect(older)
    names = await connection.fetch(
        "SELECT proname::text AS name FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        " AND proname IN ('append', 'write_batch', 'judge_batch')"
    )
    assert sorted(row["name"] for row in names) == ["append", "judge_batch", "write_batch"]
    with pytest.raises(asyncpg.UndefinedFunctionError):
        await _append(connection, VIEW.name, StreamId(UUID(int=5)), 0, None, AISessionDeleted())
    await connection.close()
