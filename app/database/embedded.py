"""PostgreSQL 18 from a wheel, for people who have nothing installed: keeps track of its users.

`embedded_cluster` sets the server up, starts it and stops it. Two files lie beside the cluster:
every user of the server holds `users.lock` shared, and the one who starts or stops the server holds
`server.lock`. Both are flock(2) locks: the kernel drops them with their holder, however that one
ended, so kill -9 leaves no user behind.
"""

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.database.embedded_cluster import FILES, ROOTS_STAND_IN, Cluster, programs_of_wheel
from app.database.embedded_files import (
    EmbeddedUnavailable,
    explained,
    open_lock,
    require_own,
    require_private,
)

__all__ = [
    "EmbeddedUnavailable",
    "ensure_running",
    "is_set_up",
    "programs",
    "running",
    "service_url",
]

logger = logging.getLogger(__name__)


def is_set_up(data_dir: Path) -> bool:
    """Whether `data_dir` holds a PostgreSQL; creates nothing. Raises EmbeddedUnavailable."""
    with explained(data_dir):
        return (data_dir.expanduser() / FILES).exists()


@contextmanager
def running(data_dir: Path) -> Iterator[str]:
    """PostgreSQL on `data_dir` for as long as the block lasts; yields its owner's URL.

    Joins a server that already runs there; the last user stops it. The URL stays the same when the
    server is started again, and is valid for other processes of this user. Blocks while the server
    starts, recovers or stops. Raises EmbeddedUnavailable.
    """
    cluster = Cluster.at(data_dir)
    with explained(cluster.home):
        require_private(cluster.home)
        require_own(cluster.files, cluster.owner, ROOTS_STAND_IN)
        users = open_lock(cluster.home / "users.lock")
    try:
        with explained(cluster.home), _alone(cluster.home):
            fcntl.flock(users, fcntl.LOCK_SH)
            cluster.bring_up()
        yield cluster.url
    finally:
        try:
            _leave(cluster, users)
        finally:
            os.close(users)


def programs() -> Path:
    """The folder of PostgreSQL's programs. Raises EmbeddedUnavailable without the wheel."""
    return programs_of_wheel()


def service_url(data_dir: Path) -> str:
    """The URL of the service's login to the server that `running` is the owner's of."""
    return Cluster.at(data_dir).service_url


def ensure_running(data_dir: Path) -> None:
    """Bring the server back if it died under its users; do nothing if it runs.

    Blocks until it answers, its crash recovery included. Raises EmbeddedUnavailable.
    """
    cluster = Cluster.at(data_dir)
    with explained(cluster.home):
        require_private(cluster.home)
        require_own(cluster.files, cluster.owner, ROOTS_STAND_IN)
        with _alone(cluster.home):
            cluster.bring_up()


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Keep others from joining, leaving, starting or stopping the server meanwhile."""
    lock = open_lock(home / "server.lock")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        fcntl.flock(lock, fcntl.LOCK_UN)  # a close is not enough if the process forked meanwhile
        os.close(lock)


def _leave(cluster: Cluster, users: int) -> None:
    """Give up a user's lock, and stop the server if there is no other user."""
    try:
        with explained(cluster.home), _alone(cluster.home):
            if _is_last(users):
                cluster.stop()
    except EmbeddedUnavailable as error:
        logger.warning("PostgreSQL was not stopped: %s", error)


def _is_last(users: int) -> bool:
    """Whether nobody but this lock's holder has it; the lock is released in either case."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        fcntl.flock(users, fcntl.LOCK_UN)
    return True
