"""Memory that outlives the log: two services on a database that another takes the place of.

`TEST_REPLACEMENTS=200` tries so many random ones, `TEST_SEED` others.
"""

import os
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from msgspec.structs import replace
from support import database, given
from support.replaced import Replaceable, replaceable

from app.commands.context import CommandResult
from app.database.errors import StoreDown
from app.faces.evo.operations import _new_ai_session
from app.faces.evo.wire import requests as r
from app.integrity.verify import verify
from app.log.keyring import Keyring
from app.maintenance.store import connected
from app.rebuild.rebuild import named, rebuild
from app.service import Service, open_service
from app.settings import Settings
from domain.ai_session import AISession, ProposeAISessionAction
from domain.chat.session import ChatSessionFields
from domain.errors import AccountNotFound, AlreadyExists, NotFound
from domain.ids import AISessionId, ChatSessionId, StreamId

REPLACEMENTS = int(os.environ.get("TEST_REPLACEMENTS", "8"))
SEED = os.environ.get("TEST_SEED", "7")
KEYRING = Keyring(database.MASTER_KEY)


@pytest.fixture
async def live(server_url: str, template: str) -> AsyncIterator[Replaceable]:
    async with replaceable(server_url, template) as made:
        yield made


@pytest.fixture
async def services(live: Replaceable) -> AsyncIterator[tuple[Service, Service]]:
    """Two worker processes."""
    settings = Settings(
        database_url=live.url, master_key=database.MASTER_KEY, store_deadline_s=10.0
    )
    opened = await open_service(settings), await open_service(settings)
    yield opened
    for each in opened:
        await each.close()


def silent(_done: int, _total: int) -> None:
    """Progress that nobody looks at."""


async def sound(live: Replaceable) -> None:
    """The views equal the log, and it can be folded again."""
    async with connected(live.url) as store:
        assert await verify(store, KEYRING, silent) == []


async def open_session(
    service: Service, account: str | None = None, purpose: str | None = "p"
) -> CommandResult:
    """Create a session as the face does it: a known account is not looked up."""
    call = given.call()
    asked = await _new_ai_session(
        service, r.NewAISession(account_id=account, purpose=purpose), call
    )
    return await service.commands.handle(asked.command, call, asked.drawn)


async def test_a_change_that_a_restore_took_away_does_not_come_back(
    live: Replaceable, services: tuple[Service, Service]
) -> None:
    a, b = services
    session = given.session_of(await given.open_ai_session(a, purpose="kept"))
    other = given.session_of(await given.open_ai_session(a, purpose="kept"))
    await live.dump()
    for each in (session, other):
        await given.patch_ai_session(a, each, "lost")
    await live.restore()
    changed = await given.patch_ai_session(b, session, "after")
    assert (changed.folded.version, changed.folded.state.purpose) == (2, "after")
    # A knows version 2 of both, and it is that of another event.
    unchanged = await given.patch_ai_session(a, session, None)
    assert unchanged.folded.state.purpose == "after"
    assert unchanged.folded.audit == changed.folded.audit
    assert (await given.patch_ai_session(a, session, "last")).folded.version == 3
    assert (await given.patch_ai_session(a, other, None)).folded.state.purpose == "kept"
    await sound(live)


@pytest.mark.parametrize("behind", ["new connections", "a pooler"])
async def test_memory_alone_decides_nothing(
    live: Replaceable, services: tuple[Service, Service], behind: str
) -> None:
    a, b = services
    if behind == "a pooler":  # no connection of the services tells that the database is another
        a.pool.on_connect = b.pool.on_connect = None
    plain = given.session_of(await given.open_ai_session(a, purpose=None))
    await live.dump()
    await given.patch_ai_session(a, plain, "sealed under a key that goes")
    await given.open_account(a, "gone")
    lost = given.session_of(await open_session(a, "gone"))
    await live.restore()
    assert (await given.patch_ai_session(b, plain, "sealed under another")).folded.version == 2
    assert (await given.patch_ai_session(a, plain, "and this")).folded.version == 3
    with pytest.raises(NotFound):
        await given.patch_ai_session(a, lost, "back")
    with pytest.raises(AccountNotFound):
        await open_session(a, "gone")
    await given.open_account(b, "gone", "Another")
    assert (await open_session(a, "gone")).account_name == "Another"
    await sound(live)


async def test_a_key_that_the_log_has_already_is_not_made_again(
    live: Replaceable, services: tuple[Service, Service]
) -> None:
    a, _ = services
    plain = given.session_of(await given.open_ai_session(a, purpose=None))
    async with connected(live.url) as store:
        _, wrapped = KEYRING.new(StreamId(UUID(plain)))
        await store.raw.execute("INSERT INTO stream_key VALUES (0, $1, $2)", plain, wrapped)
    assert (await given.patch_ai_session(a, plain, "sealed")).folded.version == 2
    await sound(live)
    async with connected(live.url) as store:
        assert await store.raw.fetchval("SELECT wrapped FROM stream_key") == wrapped


async def test_nothing_is_sealed_under_another_master_key(
    live: Replaceable, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(database_url=live.url, master_key=database.MASTER_KEY, store_deadline_s=0.4)
    a, pooled = await open_service(settings), await open_service(settings)
    pooled.pool.on_connect = None
    session = given.session_of(await given.open_ai_session(a))
    await live.dump()
    copy = await asyncpg.connect(live.copy_url)
    another = Keyring(b"another master key of 32 bytes..").check_value()
    await copy.execute("UPDATE log_setting SET value = $1", another)
    await copy.close()
    await live.restore()
    for each in (a, pooled):
        with pytest.raises(StoreDown):
            await given.open_ai_session(each)
        with pytest.raises(StoreDown):
            await given.patch_ai_session(each, session, "x")
    assert await a.unready() is not None
    assert "another master key than the one given" in caplog.text
    live_now = await asyncpg.connect(live.url)
    assert await live_now.fetchval("SELECT count(*) FROM stored_events") == 1
    await live_now.execute("UPDATE log_setting SET value = $1", KEYRING.check_value())
    await live_now.close()
    for each in (a, pooled):
        await given.patch_ai_session(each, session, "again")
    assert await a.unready() is None
    for each in (a, pooled):
        await each.close()


async def test_a_log_that_is_not_there_yet_is_waited_for(
    live: Replaceable, services: tuple[Service, Service]
) -> None:
    a, _ = services
    impatient = replace(a.settings, store_deadline_s=0.4)
    b = await open_service(impatient)
    session = given.session_of(await given.open_ai_session(b))
    owner = await asyncpg.connect(live.url)
    await owner.execute("ALTER TABLE log_setting RENAME TO not_yet")
    await owner.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with pytest.raises(StoreDown):
        await given.patch_ai_session(b, session, "x")
    await owner.execute("ALTER TABLE not_yet RENAME TO log_setting")
    await owner.close()
    assert (await given.patch_ai_session(b, session, "x")).folded.version == 2
    await b.close()


_NOW = datetime(2026, 1, 1, tzinfo=UTC)


def _actions(state: AISession) -> tuple[str, ...]:
    return tuple(action.action_id for action in state.actions)


KINDS = ("cache", "keys", "chats", "accounts")
"""What memory is of: aggregates, their keys, numbers drawn ahead, accounts."""


class _World:
    """What two services are told at random, and what then has to hold."""

    def __init__(self, services: tuple[Service, Service], rng: random.Random) -> None:
        self.services = services
        self.rng = rng
        self.sessions: dict[AISessionId, str | None] = {}
        self.chats: dict[ChatSessionId, str | None] = {}
        self.actions: dict[AISessionId, tuple[str, ...]] = {}
        self.accounts: dict[str, str] = {}
        self.lost: set[AISessionId] = set()
        self._numbers = iter(range(10**9))

    def keep(self) -> tuple[dict[Any, Any], ...]:
        return dict(self.sessions), dict(self.chats), dict(self.accounts), dict(self.actions)

    def put_back(self, kept: tuple[dict[Any, Any], ...]) -> None:
        self.lost |= self.sessions.keys() - kept[0].keys()
        self.sessions, self.chats, self.accounts, self.actions = (dict(each) for each in kept)

    async def prepare(self) -> None:
        """New targets, which both services come to know."""
        a, b = self.services
        for purpose in ("p", None):
            made = await open_session(a, purpose=purpose)
            self.sessions[given.session_of(made)] = purpose
        self.hot, self.plain = list(self.sessions)[-2:]
        for service in (a, b):
            for kind in KINDS:
                if kind != "keys":
                    await self.step(kind, service)

    async def step(self, kind: str, service: Service) -> None:
        """One command, or two, of which the outcome is known."""
        await getattr(self, f"_{kind}")(service, f"text {next(self._numbers)}")

    async def _cache(self, service: Service, text: str) -> None:
        # Actions add up: what is decided on a state that was lost brings lost ones back.
        if self.rng.random() < 0.2:
            answer = await given.patch_ai_session(service, self.hot, None)
        else:
            command = ProposeAISessionAction(
                session_id=self.hot, action_id=text, proposed_at=_NOW, function_name="f"
            )
            answer = await service.commands.handle(command, given.call())
            self.actions[self.hot] = (*self.actions.get(self.hot, ()), text)
        assert answer.folded.state.purpose == self.sessions[self.hot]
        assert _actions(answer.folded.state) == self.actions.get(self.hot, ())

    async def _keys(self, service: Service, text: str) -> None:
        await given.patch_ai_session(service, self.plain, text)
        self.sessions[self.plain] = text

    async def _chats(self, service: Service, text: str) -> None:
        with suppress(AlreadyExists):  # a number that was drawn before the log was replaced
            made = await given.open_chat_session(service, text)
            number = made.folded.state.chat_session_id
            assert number not in self.chats
            self.chats[number] = text
        if self.chats:
            number = self.rng.choice(list(self.chats)[-3:])
            changed = await service.chat.update(
                number, ChatSessionFields(customer_name=text[::-1]), given.call()
            )
            self.chats[number] = text[::-1]
            assert changed.folded.state.customer_name == text[::-1]

    async def _accounts(self, service: Service, text: str) -> None:
        account = f"a{self.rng.randrange(6)}"
        if account in self.accounts:
            made = await open_session(service, account, text)
            assert made.account_name == self.accounts[account]
            self.sessions[given.session_of(made)] = text
        else:
            with pytest.raises(AccountNotFound):
                await open_session(service, account, text)
            await given.open_account(service, account, text)
            self.accounts[account] = text

    async def _lost(self, service: Service, text: str) -> None:
        for session in self.lost:
            with pytest.raises(NotFound):
                await given.patch_ai_session(service, session, text)

    async def holds(self) -> None:
        a = self.services[0]
        for session, purpose in self.sessions.items():
            row = await a.views.get("ai_session", StreamId(UUID(session)))
            assert row is not None
            assert row.folded.state.purpose == purpose
            assert _actions(row.folded.state) == self.actions.get(session, ())


async def test_random_replacements_leave_a_log_that_folds(
    live: Replaceable, services: tuple[Service, Service]
) -> None:
    rng = random.Random(SEED)  # noqa: S311  # for a test
    world = _World(services, rng)
    for number in range(REPLACEMENTS):
        # Each pair of what happens to the database and what memory is of comes in turn.
        replacement = (live.restore, live.fail_over)[number % 2]
        kind = KINDS[number // 2 % len(KINDS)]
        first, second = rng.sample(services, 2)
        await world.prepare()
        await live.dump()
        kept = world.keep()
        steps = rng.randint(1, 4)
        for _ in range(steps):
            await world.step(kind, first)
        await replacement()
        world.put_back(kept)
        # As often, mostly: then the one who remembers finds the version that it expects.
        for _ in range(max(0, steps + rng.choice([-1, 0, 0, 0, 1]))):
            await world.step(kind, second)
        for each in (kind, *KINDS, "lost"):
            await world.step(each, first)
        await world.holds()
        await sound(live)
    async with connected(live.url) as store:
        rebuilt = await rebuild(store, KEYRING, named(()), silent)
        assert set(rebuilt.mended.values()) == {0}
