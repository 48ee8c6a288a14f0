"""The readers of the eventsourcing library work on this log as if the library had written it.

They are pointed at the table and never asked to make it: `create_table` would want a type and an
index of its own. The library's writing half is of no use here, because positions come from
`append`. Positions are those of one partition: `stored_events_0` and so on show one each, and the
table itself is as good where there is only one.
"""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from eventsourcing.application import Application
from eventsourcing.persistence import (
    ApplicationRecorder,
    Mapper,
    ProgrammingError,
    StoredEvent,
    Tracking,
)
from eventsourcing.popo import POPOTrackingRecorder
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg.conninfo import conninfo_to_dict
from support import given
from support.database import SEVERAL
from support.patience import patient

from app.log.keyring import Keyring
from app.log.read import read_feed
from app.service import Service
from domain.ids import AccountId, AISessionId, account_stream, partition_of
from projections.fold import Recorded

pytestmark = pytest.mark.parametrize(
    ("partitions", "home", "events_table"),
    [
        (1, 0, "stored_events"),
        (1, 0, "stored_events_0"),
        *((SEVERAL, home, f"stored_events_{home}") for home in range(SEVERAL)),
    ],
)


@pytest.fixture
async def log(service: Service, partitions: int, home: int) -> list[Recorded]:
    """What stands in a partition of the log, as our own reader has it."""
    session = given.session_of(await given.open_ai_session(service, _id_in(home, partitions)))
    for account in _accounts_in(home, partitions)[:1]:
        await given.open_account(service, account)
    await given.patch_ai_session(service, session, None)
    await given.patch_ai_session(service, session, "billing")
    await given.delete_ai_session(service, session)
    for other in {*range(partitions)} - {home}:
        await given.open_ai_session(service, _id_in(other, partitions))
    keyring = Keyring(service.settings.master_key)
    pages = read_feed(service.pool, keyring, home, until=4)
    return [recorded async for page in pages for recorded in page]


def _id_in(home: int, partitions: int) -> AISessionId:
    drawn = (given.new_id() for _ in count())
    return next(each for each in drawn if UUID(each).int % partitions == home)


def _accounts_in(home: int, partitions: int) -> list[str]:
    names = [f"a{number}" for number in range(100)]
    return [
        name for name in names if partition_of(account_stream(AccountId(name)), partitions) == home
    ]


@pytest.fixture(autouse=True)
def with_the_rights_of_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGOPTIONS", "-c role=sessionary_service")


@pytest.fixture
def recorder(database_url: str, events_table: str) -> Iterator[PostgresApplicationRecorder]:
    with closing(datastore(database_url)) as opened:
        yield PostgresApplicationRecorder(opened, events_table_name=events_table)


def datastore(url: str) -> PostgresDatastore:
    parts = conninfo_to_dict(url)
    return PostgresDatastore(
        dbname=str(parts["dbname"]),
        host=str(parts["host"]),
        port=parts.get("port") or 5432,
        user=str(parts["user"]),
        password=str(parts.get("password") or ""),
        pool_size=2,  # one listens, one reads
    )


def notified(log: list[Recorded]) -> list[tuple[int, UUID, int, str]]:
    return [(each.position, each.stream, each.version, each.event.topic) for each in log]


def told(notifications: Any) -> list[tuple[int, UUID | str, int, str]]:  # the library's
    return [
        (each.id, each.originator_id, each.originator_version, each.topic) for each in notifications
    ]


def test_it_selects_the_events_of_a_stream(
    recorder: PostgresApplicationRecorder, log: list[Recorded], service: Service
) -> None:
    session = log[0].stream
    events = recorder.select_events(session)
    assert [event.originator_version for event in events] == [1, 2, 3]
    assert [event.topic for event in events] == [
        each.event.topic for each in log if each.stream == session
    ]
    assert [event.originator_version for event in recorder.select_events(session, gt=1, lte=2)] == [
        2
    ]
    latest = recorder.select_events(session, desc=True, limit=1)
    assert [event.originator_version for event in latest] == [3]


def test_it_selects_every_notification_in_order(
    recorder: PostgresApplicationRecorder, log: list[Recorded]
) -> None:
    assert told(recorder.select_notifications(start=1, limit=10)) == notified(log)
    assert told(recorder.select_notifications(start=2, limit=2)) == notified(log)[1:3]
    topic = "account.created.v1"
    assert told(recorder.select_notifications(start=None, limit=9, topics=[topic])) == [
        each for each in notified(log) if each[3] == topic
    ]


def test_its_greatest_notification_id_is_the_head(
    recorder: PostgresApplicationRecorder, log: list[Recorded]
) -> None:
    assert recorder.max_notification_id() == len(log)


def test_it_cannot_write(recorder: PostgresApplicationRecorder, log: list[Recorded]) -> None:
    event = StoredEvent(log[0].stream, 4, "ai_session.deleted.v1", b"{}")
    with pytest.raises(ProgrammingError):
        recorder.insert_events([event])
    with pytest.raises(ProgrammingError, match="permission denied"):
        recorder.create_table()
    assert recorder.max_notification_id() == len(log)


class AsStored(Mapper[UUID]):
    """Hands out events as they are stored; `app.log.codec` would open them."""

    def __init__(self) -> None:
        """Nothing of the library's own transcoding is used."""

    def to_domain_event(self, stored_event: StoredEvent) -> Any:  # as declared
        return stored_event


class OurLog(Application[UUID]):
    """The log as an application of the library that only others write."""

    def construct_mapper(self) -> Mapper[UUID]:
        return AsStored()

    def construct_recorder(self) -> ApplicationRecorder:
        self.datastore = datastore(self.env["LOG_URL"])
        return PostgresApplicationRecorder(
            self.datastore, events_table_name=self.env["EVENTS_TABLE"]
        )

    def close(self) -> None:
        super().close()
        self.datastore.close()


class Seen(POPOTrackingRecorder):
    """A view that keeps what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[tuple[int, str]] = []

    def add(self, topic: str, tracking: Tracking) -> None:
        with self._database_lock:
            self._assert_tracking_uniqueness(tracking)
            self._insert_tracking(tracking)
            self.events.append((tracking.notification_id, topic))


class Follower(Projection[Seen]):
    """Passes every event on to the view."""

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:  # as declared
        self.view.add(domain_event.topic, tracking)


async def test_its_projection_runner_follows_the_log(
    log: list[Recorded],
    service: Service,
    owner: asyncpg.Connection,
    database_url: str,
    partitions: int,
    home: int,
    events_table: str,
) -> None:
    expected = [(each.position, each.event.topic) for each in log]
    with ProjectionRunner(
        application_class=OurLog,
        projection_class=Follower,
        view_class=Seen,
        env={"LOG_URL": database_url, "EVENTS_TABLE": events_table},
    ) as runner:
        await asyncio.to_thread(runner.wait, len(log), timeout=patient(10))
        assert runner.view.events == expected
        later = await given.open_account(service, _accounts_in(home, partitions)[1])
        # An append wakes nobody: who keeps such a runner sends this as often as it wants news.
        await owner.execute(f"NOTIFY {events_table}")
        await asyncio.to_thread(runner.wait, later.folded.position, timeout=patient(10))
        assert runner.view.events == [*expected, (len(log) + 1, "account.created.v1")]
