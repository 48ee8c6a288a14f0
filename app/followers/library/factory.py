"""What an application or a projection of the library gets when it is to work on our log."""

from contextlib import suppress
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

from app.followers import names
from app.followers.library.datastore import LogDatastore
from app.followers.library.mapper import READ_ONLY, LogMapper
from app.followers.library.recorder import LogRecorder
from app.followers.library.tracking import LogTracking, tracking_in_log
from app.log.keyring import Keyring
from app.maintenance import key_file

DATABASE_URL = "SESSIONARY_DATABASE_URL"
MASTER_KEY_FILE = "SESSIONARY_MASTER_KEY_FILE"
PARTITION = "SESSIONARY_PARTITION"


class LogFactory(InfrastructureFactory[TrackingRecorder]):
    """Makes recorders and a mapper from SESSIONARY_DATABASE_URL and SESSIONARY_MASTER_KEY_FILE.

    SESSIONARY_PARTITION names the partition that is followed; 0 unless it is given.
    """

    def __init__(self, env: Environment | EnvType | None) -> None:
        """`env`: of an application or a projection. Raises InfrastructureFactoryError."""
        super().__init__(env)
        self._partition = self._number()
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

        Raises InfrastructureFactoryError for another kind of view, UnusableName.
        """
        wanted: Any = tracking_recorder_class or LogTracking
        if not (isinstance(wanted, type) and issubclass(wanted, PostgresTrackingRecorder)):
            raise InfrastructureFactoryError(
                f"{wanted!r} keeps its tables elsewhere: a view of this log is a class of "
                "eventsourcing.postgres.PostgresTrackingRecorder"
            )
        name = names.checked(self.env.name)
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
        """Of a projection; an application makes no tables."""
        with suppress(names.UnusableName):
            return names.schema_of(names.checked(self.env.name))
        return ""

    def _number(self) -> int:
        text = self.env.get(PARTITION, "0")
        if not (text.isascii() and text.isdigit()):
            raise InfrastructureFactoryError(f"{PARTITION} is a number from 0, not {text!r}")
        return int(text)

    def _needed(self, name: str) -> str:
        if value := self.env.get(name):
            return value
        raise InfrastructureFactoryError(f"The environment has no {name}")


class SessionLog(Application[UUID]):
    """The log as an application: it reads aggregates, and writes nothing."""

    name = "sessionary"
    env: ClassVar[dict[str, str]] = {"PERSISTENCE_MODULE": "app.followers.library"}


def _refuse() -> NoReturn:
    raise NotSupportedError(READ_ONLY)
