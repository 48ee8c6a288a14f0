"""The figures of the plan, measured: what a session takes, in bytes and in processor time.

Half of the sessions are AI sessions, created and changed three times. The others are chats: queued,
picked up, two messages of each side, closed. Each command has an idempotency key. Two sizes of one
log are measured, and the difference counts: what is there once for all sessions drops out.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from msgspec import Struct
from msgspec.structs import replace
from uuid_utils.compat import uuid7

from app.auth.principals import Principal
from app.care import rotation
from app.commands.context import Caller, CommandContext, EventMetadata, Generated
from app.database.sql import blocks
from app.followers import activity, history, people, tree
from app.log.stream_keys import KEY_BYTES
from app.maintenance.keys import keyring_of
from app.maintenance.store import DataLocation, connected
from app.service import Service
from domain.ai_session import NewAISession, PatchAISession
from domain.chat.enums import ChatMessageType, ChatSessionStatus
from domain.chat.fields import ChatSessionFields
from domain.chat.message import ChatMessage
from domain.ids import AccountId, AISessionId, StreamId

from .conditions import processor
from .measure import BenchmarkFailed, cpu_seconds
from .our_store import PURPOSE, OurStore, our_store
from .plan import Figures, Relation
from .plan_table import keep, text
from .session_dto import ACCOUNT_ID
from .stage import Stage

SQL = blocks(__file__)
CALLERS = 64
AI_CHANGES = 3
_GROWS = 0.001
"""Rows a session."""
_TEXT = "Where is my order? It should have been here on Monday, and nobody answers the phone."
_CUSTOMER = ChatSessionFields(
    topic_id=3,
    status=ChatSessionStatus.IN_QUEUE,
    customer_name="Kim Nordmann",
    customer_email="kim.nordmann@example.com",
    customer_phone="+47 22 12 34 56",
    customer_company_name="Nordmann & Sons",
    first_message=_TEXT,
)


class _Growth(Struct, frozen=True):
    """What it took to append sessions, and to follow them."""

    cpu_s: Mapping[str, float]
    """Processor seconds of all processes, by the work."""
    wal_bytes: int


class _Log(Struct, frozen=True):
    """What a whole log takes."""

    sessions: int
    events: int
    messages: int
    relations: Mapping[str, Relation]
    cpu_s: Mapping[str, float]
    """Of commands on it."""
    file_bytes: Mapping[str, int]


def run(stage: Stage, sessions: int, *, kept: bool) -> str:
    """The plan by new figures; `kept`: whether they stay."""
    figures = measured(stage, sessions)
    if kept:
        keep(figures)
    return text(figures)


def measured(stage: Stage, sessions: int) -> Figures:
    """The figures, from a log of so many sessions and from a tenth of it."""
    few = sessions // 10
    with our_store(stage, "plan") as ours:
        _grow(stage, ours, few)
        small = _look(stage, ours, few)
        growth = _grow(stage, ours, sessions - few)
        large = _look(stage, ours, sessions)
        rotated_s = _cpu_s(stage, lambda: ours.loop.run(_rotate(ours)))
    return _figures(small, large, growth, rotated_s / sessions)


def _figures(small: _Log, large: _Log, growth: _Growth, rotated_s: float) -> Figures:
    """`rotated_s`: of a change of the master key, for each stream."""
    sessions, events = large.sessions - small.sessions, large.events - small.events
    commands_s = {name: seconds - small.cpu_s[name] for name, seconds in large.cpu_s.items()}
    return Figures(
        measured=f"{datetime.now(UTC):%Y-%m-%d}, {processor()}, {os.cpu_count()} cores, "
        f"load average {os.getloadavg()[1]:.0f}",
        sessions=(small.sessions, large.sessions),
        events=events / sessions,
        messages=(large.messages - small.messages) / sessions,
        relations=_grew(small, large),
        wal_bytes_per_event=growth.wal_bytes / events,
        cpu_us_per_event={
            name: seconds / events * 1e6 for name, seconds in {**growth.cpu_s, **commands_s}.items()
        },
        rotate_us_per_stream=rotated_s * 1e6,
        file_bytes={
            name: (size - small.file_bytes[name]) / sessions
            for name, size in large.file_bytes.items()
        },
    )


def _grew(small: _Log, large: _Log) -> dict[str, Relation]:
    """What each relation grows by with a session; those left out do not, but for a page or two."""
    sessions = large.sessions - small.sessions
    grew = {
        name: Relation(
            table=each.table,
            is_index=each.is_index,
            bytes=(each.bytes - small.relations[name].bytes) / sessions,
            rows=(each.rows - small.relations[name].rows) / sessions,
        )
        for name, each in large.relations.items()
        if name in small.relations
    }
    return {name: each for name, each in sorted(grew.items()) if each.rows >= _GROWS}


def _grow(stage: Stage, ours: OurStore, sessions: int) -> _Growth:
    began = ours.loop.run(_written(ours.url))
    cpu_s = {"append": _cpu_s(stage, lambda: ours.loop.run(_append(ours.service, sessions)))}
    for name, follow in _followers(ours).items():
        cpu_s[name] = _cpu_s(stage, partial(ours.loop.run, follow()))
    ended = ours.loop.run(_written(ours.url))
    return _Growth(cpu_s, ended - began)


def _cpu_s(stage: Stage, work: Callable[[], object]) -> float:
    """Processor seconds that some work takes of this process, its children and PostgreSQL."""
    roots = [os.getpid(), stage.postmaster]
    before = cpu_seconds(roots)
    work()
    return cpu_seconds(roots) - before


async def _written(url: str) -> int:
    """Bytes of WAL since the server was made."""
    ((wal_bytes,),) = await _asked(url, "written")
    return int(wal_bytes)


async def _asked(url: str, name: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url)
    try:
        found: list[asyncpg.Record] = await connection.fetch(SQL[name], timeout=900)
        return found
    finally:
        await connection.close()


async def _append(service: Service, sessions: int) -> None:
    numbers = iter(range(sessions))

    async def caller(number: int) -> None:
        agent = Principal(f"agent{number}", ("Agent",), associate_id=1_000 + number)
        for each in numbers:
            await (_chat(service, agent) if each % 2 else _ai_session(service))

    await asyncio.gather(*map(caller, range(CALLERS)))


async def _ai_session(service: Service) -> None:
    session = AISessionId(str(uuid7()))
    drawn = Generated(("session_id",), StreamId(UUID(session)))
    account = AccountId(ACCOUNT_ID)
    new = NewAISession(session_id=session, account_id=account, purpose=f"{PURPOSE}0")
    await service.commands.handle(new, _call("admin", "evo", "NewAISession"), drawn)
    for number in range(1, AI_CHANGES + 1):
        change = PatchAISession(session_id=session, purpose=f"{PURPOSE}{number}")
        await service.commands.handle(change, _call("admin", "evo", "PatchAISession"))


async def _chat(service: Service, agent: Principal) -> None:
    chat = service.chat
    created = await chat.create(_CUSTOMER, _call("sam", "superoffice", "PostChatSessionEntity"))
    number = created.folded.state.chat_session_id
    await chat.pick_up(number, agent, _call(agent.name, "superoffice", "PickupChatSession"))
    for to, author in (("USER", "sam"), ("CUSTOMER", agent.name)) * 2:
        message = ChatMessage(type=ChatMessageType[f"TO_{to}"], message=_TEXT, author=author)
        await chat.add_message(number, message, _call(author, "superoffice", "AddChatMessage"))
    closed = replace(_CUSTOMER, status=ChatSessionStatus.CLOSED, rating=5)
    await chat.update(number, closed, _call(agent.name, "superoffice", "PutChatSessionEntity"))


def _call(actor: str, face: str, operation: str) -> CommandContext:
    metadata = EventMetadata(
        roles=("SystemAdministrator",), face=face, operation=operation, request_id=str(uuid4())
    )
    caller = Caller(client="192.0.2.7", idempotency_key=str(uuid4()))
    return CommandContext(actor=actor, metadata=metadata, caller=caller)


def _followers(ours: OurStore) -> Mapping[str, Callable[[], Coroutine[Any, Any, None]]]:
    log, settings = ours.service.log, ours.service.settings

    async def follow(make: Callable[[], Any]) -> None:
        follower = make()
        while await follower.round():
            pass
        await follower.stop()

    return {
        "history": lambda: follow(lambda: history.follower(log, 1.0)),
        "activity": lambda: follow(lambda: activity.follower(log, 1.0)),
        "people": lambda: follow(lambda: people.follower(log, 1.0)),
        "tree": lambda: follow(lambda: tree.follower(log, settings)),
    }


def _look(stage: Stage, ours: OurStore, sessions: int) -> _Log:
    run = ours.loop.run
    run(_asked(ours.url, "settle"))
    relations = {
        row["name"]: Relation(
            table=row["table"], is_index=row["is_index"], bytes=row["bytes"], rows=row["rows"]
        )
        for row in run(_asked(ours.url, "relations"))
    }
    ((events,),) = run(_asked(ours.url, "events"))
    ((messages,),) = run(_asked(ours.url, "messages"))
    folder = stage.folder / f"of-{sessions}"
    folder.mkdir()
    files = {"export": folder / "export.zst", "backup": folder / "backup"}
    commands = {
        "rebuild": ["rebuild"],
        "verify": ["verify"],
        "export": ["export", str(files["export"])],
        "backup": ["backup", "-o", str(files["backup"])],
    }
    cpu_s = {
        name: _cpu_s(stage, partial(_command, ours, ours.url, arguments))
        for name, arguments in commands.items()
    }
    restored = partial(
        _command, ours, stage.new_database("plan_restored"), ["restore", str(files["backup"])]
    )
    cpu_s["restore"] = _cpu_s(stage, restored)
    return _Log(
        sessions=sessions, events=events, messages=messages, relations=relations, cpu_s=cpu_s,
        file_bytes={name: _bytes(path) for name, path in files.items()},
    )  # fmt: skip


def _command(ours: OurStore, url: str, arguments: Sequence[str]) -> None:
    logged_in = [f"--owner-url={url}", f"--data-dir={ours.data_dir}"]
    command = [sys.executable, "-m", "app.cli.main", *arguments, *logged_in]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise BenchmarkFailed(f"{arguments}: {ended.stdout[-500:]}{ended.stderr[-500:]}")


def _bytes(path: Path) -> int:
    """Of a file, or of all files in a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(each.stat().st_size for each in files)


async def _rotate(ours: OurStore) -> None:
    """Replace the master key; nobody else has to learn it, so nothing is waited for."""
    async with connected(ours.url) as store:
        where = DataLocation(database_url=ours.url, data_dir=ours.data_dir)
        keyring = await keyring_of(store, where)
        await rotation.rotate(store, keyring, os.urandom(KEY_BYTES), _no_progress, learn_s=0)


def _no_progress(_done: int, _total: int) -> None:
    """Nobody watches."""
