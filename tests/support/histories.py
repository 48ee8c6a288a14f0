"""A log with some of everything, and what its histories and its index should hold."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from app.commands.context import Caller, CommandContext, EventMetadata, Generated
from app.followers import history
from app.followers.follower import Follower
from app.history import segments
from app.history.followed import reached
from app.history.moments import present_cut
from app.history.terms import SHALLOW_EVENTS, STREAM, Terms, account_of, fields_set, type_name
from app.log.audited import AuditedEvent, read_between
from app.log.read import heads
from app.service import Service
from domain.account import NewAccount, RenameAccount
from domain.ai_session import (
    DeleteAISession,
    NewAISession,
    PatchAISession,
    ProposeAISessionAction,
)
from domain.chat.session import DeleteChatSession, NewChatSession, UpdateChatSession
from domain.event import kind_of
from domain.ids import AccountId, StreamId, chat_session_stream
from projections.catalog import CURRENT, VIEWS, of_kind
from projections.fold import Folded, Recorded, fold
from support import given

METADATA = {"operation": "operation", "face": "face", "client": "client", "request": "requestId"}
ACTORS = ("kim", "max", "pat", "søren")
ADDRESSES = ("192.0.2.1", "2001:db8::7", None)
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
LASTS = 2**63 - 1
Index = Mapping[tuple[int, int], set[int]]
"""By partition and term: positions."""
Kept = dict[tuple[str, UUID, int], tuple[Any, ...]]
"""By view, stream and version: the rest of a row."""


def caller(random: Random, face: str, operation: str) -> CommandContext:
    """Somebody's command; some requests have several."""
    return CommandContext(
        actor=random.choice(ACTORS),
        metadata=EventMetadata(
            roles=("SystemAdministrator",),
            face=face,
            operation=operation,
        ),
        caller=Caller(
            client=random.choice(ADDRESSES),
            request_id=f"request-{random.randrange(100_000)}",
        ),
    )


async def mixed(service: Service, seed: int, sessions: int) -> None:
    """So many AI sessions and chat sessions, changed now and then, some of them deleted."""
    random = Random(seed)  # not for secrets
    accounts = [AccountId(f"a{seed}-{number}") for number in range(3)]
    for account in accounts:
        call = caller(random, "evo", "CreateAccount")
        await service.commands.handle(NewAccount(account_id=account, name="Acme"), call)
    lives = [_ai_session(service, random, accounts) for _ in range(sessions)]
    lives += [_chat_session(service, random) for _ in range(sessions)]
    await asyncio.gather(*lives)
    renamed = RenameAccount(account_id=accounts[0], name="Acme & Sons")
    await service.commands.handle(renamed, caller(random, "evo", "PatchAccount"))


async def _ai_session(service: Service, random: Random, accounts: Sequence[AccountId]) -> None:
    session = given.new_id()
    new = NewAISession(
        session_id=session,
        account_id=random.choice([None, *accounts]),
        purpose=random.choice([None, "triage"]),
    )
    drawn = Generated(("session_id",), StreamId(UUID(session)))
    await service.commands.handle(new, caller(random, "evo", "NewAISession"), drawn)
    for number in range(random.randrange(6)):
        call = caller(random, "evo", "PatchAISession")
        if random.random() < 0.2:
            await service.commands.handle(DeleteAISession(session_id=session), call)
            return
        change: Any = PatchAISession(session_id=session, purpose=f"purpose {number}")
        if random.random() < 0.3:
            change = ProposeAISessionAction(
                session_id=session,
                action_id=str(number),
                proposed_at=NOON,
                function_name="f",
            )
        await service.commands.handle(change, call)


async def _chat_session(service: Service, random: Random) -> None:
    call = caller(random, "superoffice", "CreateDefaultChatSession")
    number = await service.chat.new_number(call)
    new = NewChatSession(
        chat_session_id=number, customer_name=random.choice(["Kim", None]), session_key="k" * 20
    )
    drawn = Generated(("chat_session_id",), chat_session_stream(number))
    await service.commands.handle(new, call, drawn)
    for _ in range(random.randrange(6)):
        call = caller(random, "superoffice", "SaveChatSession")
        if random.random() < 0.2:
            await service.commands.handle(DeleteChatSession(chat_session_id=number), call)
            return
        update = UpdateChatSession(
            chat_session_id=number,
            customer_name="Kim",
            rank=random.randrange(5),
            rating=random.randrange(3),
        )
        await service.commands.handle(update, call)


def follower(service: Service) -> Follower[Any, Any]:
    """One of a worker."""
    return history.follower(service.log, 0.25)


async def catch_up(service: Service) -> int:
    """Take up all that there is; the number of events."""
    following, done = follower(service), 0
    while more := await following.round():
        done += more
    await following.stop()
    return done


async def audited(service: Service) -> list[AuditedEvent]:
    """All events, partition by partition."""
    found: list[AuditedEvent] = []
    for head in await heads(service.pool):
        found += await read_between(
            service.pool, service.log.keyring, head.partition,
            after=0, until=head.position, most=1_000_000,
        )  # fmt: skip
    return found


async def expected(service: Service) -> Kept:
    """The rows of all histories, by a fold of the whole log."""
    kept: Kept = {}
    states: dict[StreamId, tuple[str, Folded[Any]]] = {}
    for event in await audited(service):
        assert isinstance(event.recorded, Recorded)
        kind, before = states.get(event.stream, (kind_of(event.topic), None))
        folded = fold(CURRENT[kind].evolve, before, event.recorded, kind)
        for view in of_kind(kind):
            was = (view.name, event.stream, event.version - 1)
            if was in kept:
                kept[was] = (*kept[was][:-1], event.position)
            row = view.row(folded, service.log.seal_in_view)
            if row is not None:
                stream, partition, version, position, *audit, doc, search = row
                values = (partition, position, *audit, *map(_decoded, (doc, search)))
                kept[view.name, stream, version] = (*values, LASTS)
        states[event.stream] = kind, folded
    return kept


async def kept(owner: asyncpg.Connection) -> Kept:
    """The rows of all histories, as they are."""
    found: Kept = {}
    for view in VIEWS:
        rows = await owner.fetch(
            "SELECT stream_id, version, partition, position, created_by, created_at, modified_by,"
            f" modified_at, doc, search, until FROM {view.history}"
        )
        for stream, version, *values, doc, search, until in map(tuple, rows):
            place = (view.name, stream, version)
            assert place not in found
            found[place] = (*values, _decoded(doc), _decoded(search), until)
    return found


def about(events: Sequence[AuditedEvent]) -> list[tuple[AuditedEvent, set[tuple[str, str]]]]:
    """What each event is about: names and values, worked out with a fold of the whole log."""
    states: dict[StreamId, tuple[str, Folded[Any]]] = {}
    found = []
    for event in events:
        assert isinstance(event.recorded, Recorded)
        kind, before = states.get(event.stream, (kind_of(event.topic), None))
        folded = fold(CURRENT[kind].evolve, before, event.recorded, kind)
        states[event.stream] = kind, folded
        was = None if before is None else before.state
        metadata = msgspec.json.decode(event.metadata)
        told = {("actor", event.actor), ("type", event.topic), ("stream", str(event.stream))}
        told |= {(name, metadata[key]) for name, key in METADATA.items() if metadata.get(key)}
        told |= {("field", name) for name in fields_set(was, folded.state)}
        if account := account_of(folded.state) or account_of(was):
            told.add(("account", account))
        found.append((event, told))
    return found


def _decoded(text: str | None) -> Any:
    return None if text is None else msgspec.json.decode(text)


async def indexed(owner: asyncpg.Connection) -> Index:
    found: dict[tuple[int, int], set[int]] = {}
    for row in await owner.fetch("SELECT * FROM event_index"):
        offsets = segments.offsets_of(segments.bits_of(row["positions"]), newest_first=True)
        positions = {segments.position_at(row["segment"], offset) for offset in offsets}
        if positions:  # (none are left of a term that a redriven event has lost)
            found.setdefault((row["partition"], row["term"]), set()).update(positions)
    return found


async def index_expected(service: Service) -> Index:
    terms = Terms(service.log.fingerprint)
    found: dict[tuple[int, int], set[int]] = {}
    for event, told in about(await audited(service)):
        for name, value in told:
            if name == STREAM and event.version <= SHALLOW_EVENTS:
                continue
            term = terms.term(name, type_name(value) if name == "type" else value)
            found.setdefault((event.partition, term), set()).add(event.position)
    return found


async def assert_equal_to_the_log(service: Service, owner: asyncpg.Connection) -> None:
    assert await kept(owner) == await expected(service)
    assert await indexed(owner) == await index_expected(service)
    assert await reached(service.pool) == await present_cut(service.pool)
