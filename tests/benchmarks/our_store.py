"""Our store without HTTP: the commands of a worker process, called in this one."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import uvloop
from msgspec import Struct

from app.auth.roles import SYSTEM_ADMINISTRATOR
from app.commands.context import CommandContext, EventMetadata, Generated
from app.maintenance.store import DataLocation, SchemaPermission, connected, prepare
from app.service import Service, open_service
from app.settings import Settings
from domain.account import NewAccount
from domain.ai_session import NewAISession, PatchAISession
from domain.ids import AccountId, AISessionId

from .measure import Done
from .session_dto import ACCOUNT_ID, ACCOUNT_NAME
from .stage import Stage, let_service_in, service_url

EVENTS_PER_SESSION = 4
"""A creation and three changes."""
PURPOSE = "Follow up on invoice 0123456789-"


class OurStore(Struct, frozen=True):
    """An open write side, with the event loop that it lives in."""

    url: str
    master_key: bytes
    service: Service
    loop: asyncio.Runner
    data_dir: Path

    def append(self, callers: int, seconds: float) -> Done:
        """Create and change sessions for some time, so many callers at once."""
        return self.loop.run(self.appended(callers, seconds=seconds))

    def append_sessions(self, callers: int, sessions: int) -> None:
        """Create and change so many sessions."""
        self.loop.run(self.appended(callers, sessions=sessions))

    def open_sessions(self, count: int) -> Sequence[AISessionId]:
        """Create so many sessions."""
        return self.loop.run(self._open_sessions(count))

    def change(self, sessions: Sequence[AISessionId], seconds: float) -> Done:
        """Change sessions for some time, each by a caller of its own."""
        return self.loop.run(self._change(sessions, seconds))

    async def _open_sessions(self, count: int) -> Sequence[AISessionId]:
        return [await _create(self.service) for _ in range(count)]

    async def _change(self, sessions: Sequence[AISessionId], seconds: float) -> Done:
        started = time.perf_counter()

        async def keep_changing(session: AISessionId) -> int:
            number = 0
            while time.perf_counter() < started + seconds:
                number += 1
                await _patch(self.service, session, number)
            return number

        counts = await asyncio.gather(*map(keep_changing, sessions))
        return Done(sum(counts), time.perf_counter() - started)

    async def appended(
        self, callers: int, *, seconds: float = float("inf"), sessions: int = 2**63
    ) -> Done:
        """Create and change sessions, in a loop that others use, too."""
        started = time.perf_counter()
        numbers = iter(range(sessions))
        until = started + seconds
        counts = await asyncio.gather(
            *(_caller(self.service, numbers, until) for _ in range(callers))
        )
        return Done(sum(counts), time.perf_counter() - started)


@contextmanager
def our_store(stage: Stage, database: str) -> Iterator[OurStore]:
    """Our write side on a new database, with an account to create sessions for."""
    url = stage.new_database(database)
    where = DataLocation(database_url=url, data_dir=stage.folder / database)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
        _, key = loop.run(prepare(url, where, SchemaPermission.BEGIN))
        # A disk that is busy for a moment is to be measured, not to end the measurement.
        loop.run(let_service_in(url))
        settings = Settings(database_url=service_url(url), master_key=key, store_deadline_s=30.0)
        service = loop.run(open_service(settings))
        try:
            account = NewAccount(account_id=AccountId(ACCOUNT_ID), name=ACCOUNT_NAME)
            loop.run(service.commands.handle(account, _call("NewAccount")))
            yield OurStore(url, key, service, loop, where.data_dir)
        finally:
            loop.run(service.close())


async def stored_bytes(url: str) -> Sequence[int]:
    """The sizes of the first session's stored events, in their order."""
    async with connected(url) as store:
        rows = await store.ask(
            "SELECT length(state) FROM stored_events WHERE topic LIKE 'ai_session.%'"
            " ORDER BY originator_id, originator_version LIMIT $1",
            EVENTS_PER_SESSION,
        )
        return [row[0] for row in rows]


async def _caller(service: Service, numbers: Iterator[int], until: float) -> int:
    events = 0
    while time.perf_counter() < until and next(numbers, None) is not None:
        session = await _create(service)
        for number in range(1, EVENTS_PER_SESSION):
            await _patch(service, session, number)
        events += EVENTS_PER_SESSION
    return events


async def _create(service: Service) -> AISessionId:
    stream = service.log.new_stream(_CREATED.actor, None)
    session = AISessionId(str(stream))
    account = AccountId(ACCOUNT_ID)
    command = NewAISession(session_id=session, account_id=account, purpose=f"{PURPOSE}0")
    await service.commands.handle(command, _CREATED, Generated(("session_id",), stream))
    return session


async def _patch(service: Service, session: AISessionId, number: int) -> None:
    change = PatchAISession(session_id=session, purpose=f"{PURPOSE}{number}")
    await service.commands.handle(change, _PATCHED)


def _call(operation: str) -> CommandContext:
    metadata = EventMetadata(roles=(SYSTEM_ADMINISTRATOR,), face="evo", operation=operation)
    return CommandContext(actor="admin", metadata=metadata)


_CREATED, _PATCHED = _call("NewAISession"), _call("PatchAISession")
