from collections.abc import Iterator
from uuid import UUID

import asyncpg
import pytest

from app.auth.principals import Forbidden, Unauthenticated
from app.codecs.json_text import BadInput
from app.concurrency.deadline import Stalled
from app.concurrency.expected_wait import TooManyBefore
from app.database.errors import Crowded, StoreDown, StoreError, TooSlow
from app.faces.superoffice.face import SuperOfficeFace
from app.http.body import TooLarge, UnknownCoding
from app.http.errors import RESPONSES, refusal
from app.log.errors import (
    Conflict,
    KeyInFlight,
    KeyReused,
    LogError,
    Unreadable,
    VersionMismatch,
)
from domain.errors import AccountNotFound, AlreadyExists, DomainError, InvalidField, NotFound


def children(error: type[Exception]) -> Iterator[type[Exception]]:
    for child in error.__subclasses__():
        yield child
        yield from children(child)


KNOWN = {**RESPONSES, **SuperOfficeFace.responses}


@pytest.mark.parametrize(
    "error", [*children(DomainError), *children(LogError), *children(StoreError)]
)
def test_every_error_has_its_response(error: type[Exception]) -> None:
    assert error in KNOWN


@pytest.mark.parametrize(
    ("error", "status", "code", "field"),
    [
        (NotFound("AISession", "7"), 404, "NotFound", None),
        (AlreadyExists("Account", "a1"), 409, "AlreadyExists", None),
        (AccountNotFound("a1"), 400, "AccountNotFound", "AccountId"),
        (InvalidField("Rank", "too high"), 400, "ValidationException", "Rank"),
        (Conflict(UUID(int=7), 3), 409, "Conflict", None),
        (VersionMismatch(3), 412, "PreconditionFailed", None),
        (KeyReused(), 422, "IdempotencyKeyReused", None),
        (KeyInFlight(), 409, "IdempotencyKeyInFlight", None),
        (StoreDown("down"), 503, "ServiceUnavailable", None),
        (TooManyBefore("busy"), 503, "Overloaded", None),
        (Crowded("busy"), 503, "Overloaded", None),
        (TooSlow("slow"), 400, "TooSlow", None),
        (Unauthenticated("who?"), 401, "Unauthorized", None),
        (Forbidden("Auditor"), 403, "Forbidden", None),
        (BadInput("bad", field="purpose", code="Special"), 400, "Special", "purpose"),
        (UnknownCoding("gzip"), 415, "UnsupportedMediaType", None),
        (Stalled("slow"), 408, "RequestTimeout", None),
        (TooLarge(431, "The headers have more than 1 bytes"), 431, "RequestTooLarge", None),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_an_error_is_answered_as_promised(
    error: Exception, status: int, code: str, field: str | None
) -> None:
    refused = refusal(error, 1)
    assert (refused.status, refused.code, refused.field) == (status, code, field)
    assert refused.message == str(error)


@pytest.mark.parametrize(
    ("error", "header"),
    [
        (StoreDown("down"), (b"retry-after", b"7")),
        (KeyInFlight(), (b"retry-after", b"7")),
        (Conflict(UUID(int=7), 3), (b"retry-after", b"7")),
        (VersionMismatch(3), (b"etag", b'"3"')),
        (UnknownCoding("gzip"), (b"accept-encoding", b"identity")),
    ],
)
def test_an_answer_says_what_to_do_next(error: Exception, header: tuple[bytes, bytes]) -> None:
    assert header in refusal(error, 7).headers


def test_who_is_not_known_is_asked_to_say_who_it_is() -> None:
    names = [name for name, _ in refusal(Unauthenticated("who?"), 1).headers]
    assert names == [b"www-authenticate"]


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("secret"),
        KeyError("secret"),
        FileNotFoundError("secret"),
        asyncpg.DataError("secret"),
    ],
)
def test_an_unknown_error_tells_nothing_of_the_inside(error: Exception) -> None:
    refused = refusal(error, 1)
    assert (refused.status, refused.code) == (500, "InternalError")
    assert "secret" not in refused.message


def test_an_error_of_a_kind_that_is_not_listed_is_answered_as_its_parent() -> None:
    class Particular(NotFound):
        pass

    assert refusal(Particular("AISession", "7"), 1).status == 404
    assert refusal(Unreadable("a stream"), 1).status == 500
