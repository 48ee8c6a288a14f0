"""What an application or a projection of the library gets when it is to work on our log."""

import re
from pathlib import Path
from typing import Any, ClassVar, NoReturn, cast
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    InfrastructureFactory,
    InfrastructureFactoryError,
    Mapper,
    NotSupportedError,
    ProcessRecorder,
    TrackingRecorder,
    Transcoder,
    TTrackingRecorder,
)
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.utils import Environment, EnvType

from app.followers.library.datastore import LogDatastore
from app.followers.library.mapper import READ_ONLY, LogMapper
from app.followers.library.recorder import LogRecorder
from app.followers.library.tracking import LogTracking, tracking_in_log
from app.log.keyring import Keyring
from app.maintenance import key_file

DATABASE_URL = "SESSIONARY_DATABASE_URL"
MASTER_KEY_FILE = "SESSIONARY_MASTER_KEY_FILE"
PARTITION = "SESSIONARY_PARTITION"
_NAME = re.compile("[a-z][a-z0-9_]{0,39}")
_SCHEMA_PREFIX = "projection_"
FOLLOWERS = frozenset({"history", "activity"})
"""Names of our own followers."""


class LogFactory(InfrastructureFactory[TrackingRecorder]):
    """Makes recorders and a mapper from SESSIONARY_DATABASE_URL and SESSIONARY_MASTER_KEY_FILE.

    SESSIONARY_PARTITION names the partition that is followed; 0 unless it is given.
    """

    def __init__(self, env: Environment | EnvType | None) -> None:
        """`env`: of an application or a projection. Raises InfrastructureFactoryError."""
        super().__init__(env)
        self._partition = int(self.env.get(PARTITION, "0"))
        self._datastore = LogDatastore(self._needed(DATABASE_URL), schema=self._schema())

    def close(self) -> None:
        """Close the connections."""
        self._datastore.close()

    def mapper(
        self,
        transcoder: Transcoder | None = None,
        mapper_class: type[Mapper[Any]] | None = None,
    ) -> Mapper[Any]:
        """A mapper that opens our events; the log decides how they are stored."""
        return LogMapper(self._keyring)

    def aggregate_recorder(self, purpose: str = "events") -> AggregateRecorder:
        """The log; there are no snapshots in it. Raises NotSupportedError."""
        if purpose != "events":
            raise NotSupportedError(READ_ONLY)
        return self.application_recorder()

    def application_recorder(self) -> ApplicationRecorder:
        """The log."""
        return self._recorder()

    def tracking_recorder(
        self, tracking_recorder_class: type[TTrackingRecorder] | None = None
    ) -> TTrackingRecorder:
        """A view of the library's kind for PostgreSQL, with its tables in a schema of their own.

        Raises InfrastructureFactoryError for another kind of view.
        """
        wanted: Any = tracking_recorder_class or LogTracking
        if not (isinstance(wanted, type) and issubclass(wanted, PostgresTrackingRecorder)):
            raise InfrastructureFactoryError(
                f"{wanted!r} keeps its tables elsewhere: a view of this log is a class of "
                "eventsourcing.postgres.PostgresTrackingRecorder"
            )
        name = follower_name(self.env.name)
        made: Any = tracking_in_log(wanted)(
            datastore=self._datastore, tracking_table_name=f"{name}_tracking"
        )
        made.follower, made.partition = name, self._partition
        made.create_table()
        return cast("TTrackingRecorder", made)

    def process_recorder(self) -> ProcessRecorder:
        """Refused: it would write events. Raises NotSupportedError."""
        return _refuse()

    def _recorder(self) -> LogRecorder:
        return LogRecorder(self._datastore, self._partition)

    def _keyring(self) -> Keyring:
        """The keys as the log has them now. Raises WrongMasterKey, UnusableFile, or OSError."""
        keyring = Keyring(key_file.read(Path(self._needed(MASTER_KEY_FILE))))
        keyring.adopt(self._recorder().key_settings())
        return keyring

    def _schema(self) -> str:
        name = self.env.name.lower()
        return schema_of(name) if _NAME.fullmatch(name) else ""

    def _needed(self, name: str) -> str:
        if value := self.env.get(name):
            return value
        raise InfrastructureFactoryError(f"The environment has no {name}")


class SessionLog(Application[UUID]):
    """The log as an application: it reads aggregates, and writes nothing."""

    name = "sessionary"
    env: ClassVar[dict[str, str]] = {"PERSISTENCE_MODULE": "app.followers.library"}


def follower_name(name: str) -> str:
    """The name of a projection as a follower. Raises InfrastructureFactoryError."""
    found = name.lower()
    if _NAME.fullmatch(found) is None or found in FOLLOWERS:
        raise InfrastructureFactoryError(
            f"A projection cannot be called {name!r}: its name has letters, digits and _, begins "
            f"with a letter, has at most 40 of them, and is not {' or '.join(sorted(FOLLOWERS))}"
        )
    return found


def schema_of(follower: str) -> str:
    """The schema of a projection's tables."""
    return f"{_SCHEMA_PREFIX}{follower}"


def _refuse() -> NoReturn:
    raise NotSupportedError(READ_ONLY)
