"""What changes of principals have in common here: the actor, a password asked again, reports."""

from msgspec import json
from msgspec.structs import replace

from app.auth.principals import Principal
from app.auth.register import Act
from app.auth.verification import Verified
from app.codecs.dto import Dto, secrets
from app.codecs.json_text import BadInput
from app.faces.evo.operations import Asked
from app.faces.evo.wire.api import API
from app.http.reports import attempt_of
from app.telemetry.security import Happening

_SECRETS = frozenset(field.encode_name.lower() for api in API for field in secrets(api.request))
"""Members of requests, in lower case."""


def act(asked: Asked, request: Dto) -> Act:
    """The caller as the actor of a change, under the conditions of the request."""
    call = asked.http.call()
    key = call.caller.idempotency_key
    return Act(
        call.actor,
        call.facts,
        if_version=call.if_version,
        unless_version=call.unless_version,
        key=key,
        fingerprint=None if key is None else asked.service.log.fingerprint(_public(request)),
    )


def _public(request: Dto) -> bytes:
    """A request without its secrets, which no hash of the log may hold."""
    hidden = {field.name for field in secrets(type(request))}
    members = {
        name: getattr(request, name) for name in request.__struct_fields__ if name not in hidden
    }
    return json.encode([type(request).__name__, members])


def report(
    asked: Asked,
    what: Happening,
    principal: Principal,
    *,
    subject: str | None = None,
    token_id: str | None = None,
    sign_in: str | None = None,
) -> None:
    """Report what a caller did with credentials; `subject`: with those of another."""
    attempt = attempt_of(asked.http, what, principal)
    asked.service.attempts.report(
        replace(attempt, subject=subject, token_id=token_id, sign_in=sign_in or attempt.sign_in)
    )


async def verified(asked: Asked, password: str) -> Verified:
    """The caller, by a password in the body. Raises BadInput, Unauthenticated, or Throttled."""
    refuse_secrets_in_address(asked)
    http = asked.http
    return await asked.service.principals.by_password(http.principal.name, password, http.client)


def refuse_secrets_in_address(asked: Asked) -> None:
    """Raise BadInput for a password in the query."""
    if any(name.lower() in _SECRETS for name, _ in asked.http.pairs):
        raise BadInput("A password belongs in the body: addresses are logged", field="password")


async def is_proven(asked: Asked, password: str | None, field: str) -> bool:
    """Whether the caller knows the password, which is asked again of who calls by cookie.

    `field`: the member that holds it. Raises BadInput if it is missing then, Unauthenticated if it
    is wrong, or Throttled.
    """
    principal = asked.http.principal
    if password:
        await verified(asked, password)
        return True
    if principal.auth == "cookie":
        message = "Signed in by cookie, send your password again, in the body of the request"
        raise BadInput(message, field=field, code="NotEmpty")
    return principal.auth == "basic"
