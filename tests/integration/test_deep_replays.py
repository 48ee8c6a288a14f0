"""Of very many events, messages are found and replays print without the rest being read."""

from collections.abc import Callable, Sequence

import asyncpg
import pytest
from msgspec import json
from support.chats import KIM, by, open_session
from support.deep import deepen_ai, deepen_chat
from support.deep_reads import Statements, stream_of
from support.seen import state_of

from app.cli.event_output import print_events
from app.history.replay import replay
from app.log.keyring import Keyring
from app.log.read import LOOK_BACK_EVENTS, STREAM_PAGE_EVENTS
from app.maintenance.store import Connection
from app.service import Service
from domain.chat.enums import ChatMessageType
from domain.chat.message import ChatMessage
from domain.ids import AISessionId, chat_session_stream

HELLO = ChatMessage(type=ChatMessageType.TO_USER, message="Hello", author="Sam")


async def test_few_messages_among_very_many_events_are_found(
    service: Service, other_service: Service, owner: asyncpg.Connection
) -> None:
    talk = await open_session(service)
    early, _ = await service.chat.add_message(talk, HELLO, by(KIM, "early"))
    await deepen_chat(owner, chat_session_stream(talk), 3 * LOOK_BACK_EVENTS)
    late, _ = await other_service.chat.add_message(talk, HELLO, by(KIM))
    assert await service.chat.messages(talk, 0) == [early, late]
    assert await service.chat.messages(talk, early.chat_message_id) == [late]
    empty = await open_session(service)
    assert await service.chat.messages(empty, 0) == []


async def test_a_retry_of_an_old_message_reads_only_that(
    service: Service, other_service: Service, watch: Callable[[Service], Statements]
) -> None:
    talk = await open_session(service)
    early, _ = await service.chat.add_message(talk, HELLO, by(KIM, "early"))
    for _ in range(120):
        await service.chat.add_message(talk, HELLO, by(KIM))
    watched = watch(other_service)
    again, answer = await other_service.chat.add_message(talk, HELLO, by(KIM, "early"))
    assert (again, answer.replayed) == (early, True)
    assert watched.count < 12
    assert watched.rows <= 2


@pytest.mark.parametrize("until", ["a version", "a time", "none"])
async def test_a_replay_reads_what_it_shows(
    service: Service, store: Connection, owner: asyncpg.Connection, session: AISessionId,
    keyring: Keyring, monkeypatch: pytest.MonkeyPatch, until: str,
) -> None:  # fmt: skip
    stream = stream_of(session)
    await deepen_ai(owner, stream, 299)
    then = await owner.fetchval("SELECT max(recorded_at) FROM log_partition")
    last = await deepen_ai(owner, stream, 1_000)
    as_of = {"a version": 300, "a time": then, "none": None}[until]
    rows = 0
    ask = store.ask

    async def counted(sql: str, *arguments: object) -> Sequence[asyncpg.Record]:
        nonlocal rows
        found = await ask(sql, *arguments)
        rows += len(found)
        return found

    monkeypatch.setattr(store, "ask", counted)
    steps = [step async for step in replay(store, keyring, stream, as_of)]
    shown = last if as_of is None else 300
    assert [step.version for step in steps] == list(range(1, shown + 1))
    assert state_of(steps[-1])["purpose"] == f"at {shown}"
    assert json.decode(steps[0].metadata)["roles"] == ["SystemAdministrator"]
    more = STREAM_PAGE_EVENTS if until == "a time" else 0
    assert rows <= 2 * (shown + more) + 2


@pytest.mark.parametrize("output", ["json", "ndjson", "table"])
async def test_a_replay_is_printed_as_it_is_found(
    service: Service, store: Connection, owner: asyncpg.Connection, session: AISessionId,
    keyring: Keyring, capsys: pytest.CaptureFixture[str], output: str,
) -> None:  # fmt: skip
    stream = stream_of(session)
    await deepen_ai(owner, stream, 2)
    steps = [step async for step in replay(store, keyring, stream, None)]
    assert await print_events(replay(store, keyring, stream, None), output) == 3
    out = capsys.readouterr().out
    if output == "json":
        assert out == json.format(json.encode(steps)).decode() + "\n"
    elif output == "ndjson":
        assert out.encode() == b"".join(json.encode(step) + b"\n" for step in steps)
    else:
        assert out.count("ai_session.patched.v1") == 2
    assert await print_events(replay(store, keyring, stream, 0), output) == 0
    assert capsys.readouterr().out == ""
