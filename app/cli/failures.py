"""The message and the exit code of a failed subcommand.

This is imported only on a failure, because it knows the errors of all subcommands.
"""

import logging
import sys
import traceback
from typing import NoReturn

import asyncpg

from app.care.backup import RotationUnfinished
from app.care.importing import NotEmpty
from app.care.lines import Altered
from app.care.refilling import RefillFailed
from app.care.rotation import KeyInUse, RotationUnderWay
from app.care.sealed_file import Damaged
from app.cli import talk
from app.cli.exit_codes import (
    DIFFERENCE,
    FAULT,
    INTERRUPTED,
    NOBODY_READS,
    STOPPED,
    UNREACHABLE,
    Refused,
    ServerEnded,
)
from app.cli.standard_streams import leave_standard_output
from app.codecs.json_text import BadInput
from app.database.embedded import EmbeddedUnavailable
from app.database.errors import TRANSIENT, SchemaError, StoreDown
from app.database.programs import ProgramFailed
from app.erasure.listed import NotListed
from app.followers.names import UnknownFollower, UnusableProjection
from app.history.cursor import CursorLost
from app.history.followed import NotYet
from app.history.streams import BrokenStream
from app.log.errors import Unreadable, WrongMasterKey
from app.maintenance.recovery import RecoveryConflict
from app.maintenance.secret_file import UnusableFile
from app.maintenance.store import NotReachable
from app.maintenance.urls import UnusableDatabase
from app.maintenance.users import UserError
from app.rebuild.dependants import ViewDependedOn
from app.rebuild.jobs import WorkerFailed
from app.rebuild.rebuild import RebuildSpoilt
from app.rebuild.runs import Overtaken, RebuildStopped
from app.rebuild.swap import RebuildUnderWay, ViewInUse
from app.rebuild.tables import NoWayBack
from domain.errors import DomainError

WRONG_USE = (
    SchemaError,
    WrongMasterKey,
    UnusableDatabase,
    UnusableFile,
    UserError,
    KeyInUse,
    NotEmpty,
    NotListed,
    RotationUnderWay,
    RotationUnfinished,
    ProgramFailed,
    RebuildUnderWay,
    ViewInUse,
    ViewDependedOn,
    RebuildSpoilt,
    RefillFailed,
    NoWayBack,
    Overtaken,
    UnknownFollower,
    UnusableProjection,
    DomainError,
    BadInput,
    asyncpg.InvalidParameterValueError,  # a --database-role that does not exist
)
AWAY: tuple[type[BaseException], ...] = (
    EmbeddedUnavailable,
    StoreDown,
    WorkerFailed,
    ConnectionError,
    TimeoutError,
    asyncpg.InterfaceError,  # how asyncpg reports a connection that died
    *(error for error in TRANSIENT if error is not OSError),  # files raise it, too
)


def end(error: BaseException) -> NoReturn:
    """Print the fault, and exit with its code. Raises Refused for wrong use."""
    match error:
        case asyncpg.InsufficientPrivilegeError():
            needed = "this needs the owner's login, --owner-url"
            raise Refused(f"{error}: {needed}") from error
        case _ if isinstance(error, WRONG_USE):
            raise Refused(str(error)) from error
        case Unreadable() | BrokenStream():
            _end(DIFFERENCE, f"The log cannot be read: {error}")
        case Altered() | CursorLost() | Damaged():
            _end(DIFFERENCE, str(error))
        case RebuildStopped():
            _end(STOPPED, str(error))
        case NotYet():
            behind = f"The index of events is {error.behind} events behind"
            _end(UNREACHABLE, f"{behind}: `sessionary serve` takes them up while it runs")
        case NotReachable() | RecoveryConflict():
            _end(UNREACHABLE, str(error))
        case ServerEnded():
            _end(FAULT, str(error))
        case BrokenPipeError():
            leave_standard_output()
            sys.exit(NOBODY_READS)
        case _ if isinstance(error, AWAY):
            said = str(error) or type(error).__name__
            _end(UNREACHABLE, f"The database is not reachable: {said}")
        case KeyboardInterrupt():
            sys.exit(INTERRUPTED)
        case _:
            _end(FAULT, "".join(traceback.format_exception(error)))


def _end(code: int, sentence: str) -> NoReturn:
    talk.say(sentence, logging.ERROR)
    sys.exit(code)
