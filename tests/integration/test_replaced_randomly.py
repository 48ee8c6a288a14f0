"""Random replacements of the database under two services leave a log that folds.

`TEST_REPLACEMENTS=200` tries so many random ones, `TEST_SEED` others.
"""

import os
import random
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from support import given
from support.beside import silent
from support.replaced import KEYRING, Replaceable, open_session, sound

from app.maintenance.store import connected
from app.rebuild.rebuild import named, rebuild
from app.service import Service
from domain.ai_session import AISession, ProposeAISessionAction
from domain.chat.fields import ChatSessionFields
from domain.errors import AccountNotFound, AlreadyExists, NotFound
from domain.ids import AISessionId, ChatSessionId, StreamId

REPLACEMENTS = int(os.environ.get("TEST_REPLACEMENTS", "8"))
SEED = os.environ.get("TEST_SEED", "7")


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
    rng = random.Random(SEED)  # for a test
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
