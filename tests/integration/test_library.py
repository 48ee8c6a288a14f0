"""The `eventsourcing` library on our log: applications that read, projections that follow."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from eventsourcing.application import AggregateNotFoundError
from eventsourcing.domain import Aggregate
from eventsourcing.persistence import (
    InfrastructureFactoryError,
    IntegrityError,
    MapperDeserialisationError,
    NotSupportedError,
    ProgrammingError,
)
from eventsourcing.projection import EventSourcedProjection, ProjectionRunner
from support import given
from support.database import ONE_PARTITION, SEVERAL, write_master_key
from support.histories import audited, mixed
from support.patience import patient
from support.purposes import PurposeCounts, Purposes, expected, kept

from app.followers.library import SessionLog
from app.operations.projections import projections
from app.service import Service
from domain import stored
from domain.ai_session import AISessionCreated
from projections.fold import Recorded

PARTITIONS = pytest.mark.parametrize("partitions", [1, SEVERAL], ids=["one", "several"])
Env = Mapping[str, str]


@pytest.fixture
def env(database_url: str, tmp_path: Path) -> Env:
    """That of an application of the library."""
    write_master_key(tmp_path / "master.key")
    return {
        "SESSIONARY_DATABASE_URL": database_url,
        "SESSIONARY_MASTER_KEY_FILE": str(tmp_path / "master.key"),
    }


@pytest.fixture
def log(env: Env) -> Iterator[SessionLog]:
    with closing(SessionLog(env)) as opened:
        yield opened


def runner(env: Env, partition: int = 0) -> ProjectionRunner[SessionLog, Purposes]:
    return ProjectionRunner(
        application_class=SessionLog,
        projection_class=PurposeCounts,
        view_class=Purposes,
        env={**env, "SESSIONARY_PARTITION": str(partition), "PERSISTENCE_MODULE": MODULE},
    )


def purposes(_: Any, events: Iterable[Any]) -> Any:
    """A projector of the application's own."""
    return [each.purpose for each in events]


MODULE = "app.followers.library"


@PARTITIONS
async def test_its_notifications_are_the_log(env: Env, service: Service, partitions: int) -> None:
    await mixed(service, 1, 5)
    events = await audited(service)
    for home in range(partitions):
        with closing(SessionLog({**env, "SESSIONARY_PARTITION": str(home)})) as log:
            found = log.recorder.select_notifications(start=1, limit=1_000)
            ours = [event for event in events if event.partition == home]
            assert [each.id for each in found] == [event.position for event in ours]
            assert log.recorder.max_notification_id() == len(ours)
            opened = [log.mapper.to_domain_event(each) for each in found]
            for event, one in zip(ours, opened, strict=True):
                assert isinstance(event.recorded, Recorded)
                assert isinstance(one, type(event.recorded.event))
                assert all(
                    getattr(one, name) == getattr(event.recorded.event, name)
                    for name in event.recorded.event.__struct_fields__
                )
            some = log.recorder.select_notifications(2, 1, 3, inclusive_of_start=False)
            there = range(1, len(ours) + 1)  # by chance, a partition has few
            assert [each.id for each in some] == list(there[2:3])
            section = log.notification_log["1,2"]
            assert [each.id for each in section.items] == list(there[:2])


@PARTITIONS
async def test_an_application_reads_aggregates(log: SessionLog, service: Service) -> None:
    sessions = [given.session_of(await given.open_ai_session(service)) for _ in range(5)]
    for session in sessions:
        await given.patch_ai_session(service, session, "billing")
        found: Any = log.repository.get(UUID(session))
        assert (found.id, found.version, found.state.purpose) == (UUID(session), 2, "billing")
        before: Any = log.repository.get(UUID(session), version=1)
        assert before.state.purpose == "triage"
        assert before.created_on == found.created_on < found.modified_on
        counted: Any = log.repository.get(UUID(session), projector_func=purposes)
        assert counted == ["triage", "billing"]
        assert UUID(session) in log.repository
    with pytest.raises(AggregateNotFoundError):
        log.repository.get(uuid4())


async def test_nothing_is_written_through_it(log: SessionLog, env: Env, service: Service) -> None:
    with pytest.raises(NotSupportedError, match="through the service alone"):
        log.save(Aggregate())
    with pytest.raises(NotSupportedError, match="through the service alone"):
        log.recorder.insert_events([])

    class Writes(EventSourcedProjection[UUID]):
        env = SessionLog.env

    with pytest.raises(NotSupportedError, match="through the service alone"):
        Writes(env)
    assert log.recorder.max_notification_id() is None


@ONE_PARTITION
async def test_a_wrong_place_is_named(env: Env) -> None:
    with (
        closing(SessionLog({**env, "SESSIONARY_PARTITION": "7"})) as log,
        pytest.raises(ProgrammingError, match="no partition 7"),
    ):
        log.recorder.max_notification_id()
    for wrong, said in (
        ({"SESSIONARY_MASTER_KEY_FILE": "key"}, "no SESSIONARY_DATABASE_URL"),
        ({**env, "SESSIONARY_PARTITION": "one"}, "a number from 0, not 'one'"),
    ):
        with pytest.raises(InfrastructureFactoryError, match=said):
            SessionLog(wrong)


async def test_old_forms_are_brought_up_to_date(
    log: SessionLog, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = given.session_of(await given.open_ai_session(service))
    renamed = dict(stored.EVENTS)
    del renamed[AISessionCreated.topic]
    monkeypatch.setattr(AISessionCreated, "topic", "ai_session.created.v2")
    monkeypatch.setitem(stored.EVENTS, "ai_session.created.v2", AISessionCreated)
    monkeypatch.delitem(stored.EVENTS, "ai_session.created.v1")
    monkeypatch.setitem(
        stored.UPCASTS,
        "ai_session.created.v1",
        ("ai_session.created.v2", lambda fields: {**fields, "purpose": "upcast"}),
    )
    (event,) = log.events.get(UUID(session))
    assert isinstance(event, AISessionCreated)
    assert event.purpose == "upcast"


@ONE_PARTITION
async def test_an_event_whose_key_is_gone_is_named(
    log: SessionLog, service: Service, owner: asyncpg.Connection
) -> None:
    session = given.session_of(await given.open_ai_session(service))
    await owner.execute("DELETE FROM stream_key")
    with pytest.raises(MapperDeserialisationError, match=f"{session}.*0:1.*key of the stream"):
        log.repository.get(UUID(session))


@PARTITIONS
async def test_its_runner_follows_the_log_once(
    env: Env, service: Service, owner: asyncpg.Connection, partitions: int
) -> None:
    for part in (1, 2):  # the second ones go on where the first ones ended
        with ExitStack() as stack:
            runners = [stack.enter_context(runner(env, home)) for home in range(partitions)]
            await mixed(service, part, 5)
            for home, each in enumerate(runners):
                ours = [e for e in await audited(service) if e.partition == home]
                taken = [e.position for e in ours if e.topic in PurposeCounts.topics]
                last = max(taken, default=None)
                await asyncio.to_thread(each.wait, last, timeout=patient(10.0))
            assert sum(runners[0].view.counts().values()) == len(await expected(service))
        assert await kept(owner) == await expected(service)
    (shown, *_) = [each for each in await projections(service.pool) if each.name == "purposes"]
    assert shown.position != "0:0"


@ONE_PARTITION
async def test_of_two_runners_one_ends(
    env: Env, service: Service, owner: asyncpg.Connection
) -> None:
    async def follow_both() -> None:
        with runner(env) as one, runner(env) as two:
            await mixed(service, 1, 10)
            ending = [
                asyncio.ensure_future(asyncio.to_thread(each.run_forever, patient(20.0)))
                for each in (one, two)
            ]
            await asyncio.wait(ending, return_when="FIRST_COMPLETED")
        await asyncio.gather(*ending)

    with pytest.raises(IntegrityError, match="taken up"):
        await follow_both()
    with runner(env) as alone:
        last = max(e.position for e in await audited(service) if e.topic in PurposeCounts.topics)
        await asyncio.to_thread(alone.wait, last, timeout=patient(10.0))
    assert await kept(owner) == await expected(service)
