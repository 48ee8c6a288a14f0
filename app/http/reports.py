"""Reports refused callers to `app.auth.attempts`, as they are answered."""

from msgspec.structs import replace

from app.auth.principals import Forbidden, Principal, Unauthenticated
from app.auth.throttle import Throttled
from app.codecs.answer_budget import AnswerTooLarge
from app.concurrency.rates import TooOften
from app.database.errors import TooSlow
from app.http.errors import BatchFailed, Refusal
from app.http.head import Sender
from app.http.request import Request
from app.service import Service
from app.telemetry import metrics
from app.telemetry.security import Attempt, Happening
from domain.errors import AccountNotFound, NotYours

STATUSES = frozenset({401, 403, 429})
"""Those of an answer that may be one to a refused caller."""
INPUT_STATUSES = frozenset({400, 408, 413, 414, 415, 421, 431})
"""Those of an answer to a head or a body that may be an attack."""
_HARMLESS = (AccountNotFound, AnswerTooLarge, TooSlow)
"""Errors with one of these statuses for what could be read."""


def report_refusal(error: Exception, request: Request | None, service: Service) -> None:
    """Report an answer with one of STATUSES, if it is one to a refused caller."""
    if isinstance(error, BatchFailed):
        error = error.cause
    match error:
        case Unauthenticated(reason=""):
            what, reason = Happening.NO_CREDENTIALS, ""
        case Unauthenticated(reason=reason):
            what = Happening.SIGN_IN_REFUSED
            metrics.SIGN_IN_FAILURES.labels(reason).inc()
        case Throttled():
            what, reason = Happening.THROTTLED, "throttled"
            metrics.THROTTLED.inc()
        case TooOften():
            what, reason = Happening.TOO_OFTEN, "rate"
            metrics.THROTTLED.inc()
        case Forbidden() | NotYours():
            what, reason = Happening.FORBIDDEN, str(error)
        case _:
            return
    name_hash = stream = None
    if isinstance(error, Unauthenticated | Throttled) and error.name:
        name_hash, stream = service.attempts.named(error.name)
    sent = request or Request(method="", headers={})
    attempt = attempt_of(sent, what, sent.principal)
    service.attempts.report(
        replace(
            attempt,
            name_hash=name_hash,
            stream=stream,
            reason=reason,
            operation=sent.operation if what is Happening.FORBIDDEN else "",
            token_id=sent.principal.token_id,
        )
    )


def report_input(
    error: Exception, refused: Refusal, sender: Sender, face: str, service: Service
) -> None:
    """Report an answer with one of INPUT_STATUSES. Nothing that the client sent is in it."""
    if isinstance(error.cause if isinstance(error, BatchFailed) else error, _HARMLESS):
        return
    service.attempts.report(
        Attempt(
            what=Happening.INPUT_REFUSED,
            reason=refused.code,
            status=refused.status,
            address=sender.address,
            request_id=sender.request_id,
            face=face,
        )
    )


def report_sign_in(sent: Request, principal: Principal, service: Service) -> None:
    """Report a caller who is let in by Basic or a token, which open no session."""
    attempt = attempt_of(sent, Happening.SIGNED_IN, principal)
    service.attempts.report(replace(attempt, token_id=principal.token_id))


def attempt_of(sent: Request, what: Happening, principal: Principal) -> Attempt:
    """What a request says of an attempt by a principal, whom it may not yet name."""
    return Attempt(
        what=what,
        principal=principal.name or None,
        address=sent.client,
        auth=principal.auth,
        face=sent.face,
        operation=sent.operation,
        request_id=sent.request_id or None,
        sign_in=principal.sign_in,
    )
