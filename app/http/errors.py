"""One table maps errors to HTTP; each face gives them its own shape."""

from collections.abc import Mapping
from types import MappingProxyType

from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException
from msgspec import Struct
from msgspec.structs import replace

from app.auth.password_rules import UnfitPassword
from app.auth.principals import Forbidden, Unauthenticated
from app.auth.register import PrincipalChanged
from app.auth.throttle import Throttled
from app.auth.tokens import ShownOnce
from app.codecs.answer_budget import AnswerTooLarge
from app.codecs.formats import UnknownType
from app.codecs.hosts import Misdirected
from app.codecs.json_text import BadInput
from app.commands.errors import InvalidBatch
from app.concurrency.deadline import Stalled
from app.concurrency.expected_wait import TooManyBefore
from app.concurrency.rates import TooOften
from app.database.errors import Crowded, StoreDown, Superseded, TooSlow
from app.erasure.listed import NotListed
from app.history.cursor import CursorLost
from app.history.followed import NotYet
from app.history.past_reads import NotThere
from app.http.body import TooLarge, UnknownCoding
from app.http.request import Headers, as_of_header, etag
from app.log.errors import (
    Conflict,
    KeyInFlight,
    KeyReused,
    MissingEvent,
    NumbersUsedUp,
    Unreadable,
    UnreadableEvent,
    VersionMismatch,
    WrongMasterKey,
)
from app.operations.asks import RebuildOver, TooManyRebuilds
from app.queries.list_places import ListsBusy
from domain.errors import (
    AccountNotFound,
    AlreadyExists,
    InvalidField,
    MessageOutOfOrder,
    NotFound,
    NotInQueue,
    NotYours,
    OnHold,
    PersonalDataGone,
)
from domain.principal.decide import TooManyTokens


class Refusal(Struct, frozen=True):
    """The answer to an error: status, a stable word for programs, a sentence for humans."""

    status: int
    code: str
    message: str
    field: str | None = None
    headers: Headers = ()
    index: int | None = None
    """The refused item of a batch, counted from 0."""


class BatchFailed(Exception):
    """An item of a batch was refused, and the batch with it."""

    def __init__(self, cause: Exception, index: int, *, completed: int) -> None:
        """`index` of the item, from 0; `completed` is the number of items carried out."""
        self.cause = cause
        self.index = index
        self.completed = completed
        super().__init__(str(cause))


Responses = Mapping[type[Exception], tuple[int, str]]
"""Status and a stable word for programs, by the type of the error."""
RESPONSES: Responses = {
    NotFound: (404, "NotFound"),
    NotThere: (404, "NotFound"),
    AlreadyExists: (409, "AlreadyExists"),
    AccountNotFound: (400, "AccountNotFound"),
    InvalidField: (400, "ValidationException"),
    UnfitPassword: (400, "UnfitPassword"),
    TooManyTokens: (409, "TooManyTokens"),
    PrincipalChanged: (409, "Conflict"),
    ShownOnce: (409, "TokenShownOnce"),
    NotYours: (403, "Forbidden"),
    NotInQueue: (409, "NotInQueue"),
    MessageOutOfOrder: (409, "MessageOutOfOrder"),
    OnHold: (409, "OnHold"),
    PersonalDataGone: (409, "PersonalDataErased"),
    Conflict: (409, "Conflict"),
    VersionMismatch: (412, "PreconditionFailed"),
    KeyReused: (422, "IdempotencyKeyReused"),
    KeyInFlight: (409, "IdempotencyKeyInFlight"),
    NumbersUsedUp: (409, "NumbersUsedUp"),
    StoreDown: (503, "ServiceUnavailable"),
    Superseded: (503, "ServiceUnavailable"),
    Crowded: (503, "Overloaded"),
    TooManyBefore: (503, "Overloaded"),
    NotYet: (503, "ServiceUnavailable"),
    NotListed: (503, "ServiceUnavailable"),
    CursorLost: (410, "CursorLost"),
    TooSlow: (400, "TooSlow"),
    AnswerTooLarge: (400, "AnswerTooLarge"),
    Unreadable: (500, "Unreadable"),
    UnreadableEvent: (500, "Unreadable"),
    MissingEvent: (500, "Unreadable"),
    WrongMasterKey: (500, "WrongMasterKey"),
    Unauthenticated: (401, "Unauthorized"),
    Forbidden: (403, "Forbidden"),
    Throttled: (429, "TooManyRequests"),
    TooOften: (429, "TooManyRequests"),
    ListsBusy: (429, "TooManyRequests"),
    TooManyRebuilds: (429, "TooManyRequests"),
    RebuildOver: (409, "RebuildOver"),
    BadInput: (400, "BadRequest"),
    InvalidBatch: (400, "InvalidBatch"),
    Stalled: (408, "RequestTimeout"),
    Misdirected: (421, "MisdirectedRequest"),
    TooLarge: (413, "RequestTooLarge"),
    UnknownType: (415, "UnsupportedMediaType"),
    NotFoundException: (404, "NotFound"),
    MethodNotAllowedException: (405, "MethodNotAllowed"),
    HTTPException: (400, "BadRequest"),
}
"""Every error that several faces know; a test walks their class trees for missing ones."""

_VERBS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
"""The order of verbs in Allow. (OPTIONS is for pages of allowed origins alone.)"""
_CHALLENGE = ((b"www-authenticate", b'Basic realm="sessionary", charset="UTF-8"'),)
_PLAIN_ONLY = ((b"accept-encoding", b"identity"),)
"""Distinguishes a 415 for the coding from one for the media type (RFC 9110, 15.5.16)."""


def refusal(
    error: Exception, retry_after_s: int, own: Responses = MappingProxyType({}), method: str = ""
) -> Refusal:
    """The answer to an error: from a face's `own` responses, else from RESPONSES, else a 500.

    `method` is that of the request.
    """
    if isinstance(error, BatchFailed):
        refused = refusal(error.cause, retry_after_s, own)
        completed = (b"x-autobatch-completed", b"%d" % error.completed)
        return replace(refused, index=error.index, headers=(*refused.headers, completed))
    found = (own.get(kind) or RESPONSES.get(kind) for kind in type(error).__mro__)
    status, code = next(filter(None, found), None) or (500, "InternalError")
    if status == 500:  # clients get no details of an internal failure
        return Refusal(status, code, "The service failed; the failure is in its log")
    plain = Refusal(status, code, str(error))
    return _in_full(plain, error, retry_after_s, method)


def _later(plain: Refusal, after_s: int) -> Refusal:
    headers = ((b"retry-after", b"%d" % after_s),)
    return Refusal(plain.status, plain.code, plain.message, headers=headers)


def _in_full(plain: Refusal, error: Exception, retry_after_s: int, method: str) -> Refusal:
    """A refusal with the facts that errors of some types carry beside their message."""
    status, code, message = plain.status, plain.code, plain.message
    match error:
        case BadInput(field=field, code=specific):
            return Refusal(status, specific, message, field)
        case AccountNotFound():
            return Refusal(status, code, message, "AccountId")
        case InvalidField(field=field):
            return Refusal(status, code, message, field)
        case TooLarge(status=exact):
            return Refusal(exact, code, message)
        case UnknownCoding():
            return Refusal(status, code, message, headers=_PLAIN_ONLY)
        case Stalled():  # the rest of the request may still arrive
            return Refusal(status, code, message, headers=((b"connection", b"close"),))
        case VersionMismatch(version=version):
            return Refusal(status, code, message, headers=(etag(version),))
        case Unauthenticated():
            return Refusal(status, code, message, headers=_CHALLENGE)
        case Throttled() | ListsBusy() | TooOften() | TooManyRebuilds():
            return _later(plain, error.retry_after_s)
        case StoreDown() | TooManyBefore() | NotYet() | KeyInFlight() | Conflict():
            return _later(plain, retry_after_s)
        case NotThere(cut=cut):
            return Refusal(status, code, message, headers=(as_of_header(cut),))
        case NotFoundException():
            return Refusal(status, code, "There is nothing at this path")
        case MethodNotAllowedException(headers=allowed):
            listed = (allowed or {})["allow"].split(", ")
            verbs = ", ".join(verb for verb in _VERBS if verb in listed)
            headers = ((b"allow", verbs.encode()),)
            return Refusal(status, code, f"{method} is not served here", headers=headers)
        case _:
            return plain
