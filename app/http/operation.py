"""The parts of a face: operations by path and verb, and its answers to errors."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from msgspec import Struct

from app.auth.principals import Principal
from app.http.errors import Refusal, Responses
from app.http.identify import AuthPolicy
from app.http.request import Reply, Request
from app.service import Service

Handler = Callable[[Request, Service], Awaitable[Reply]]


def never(_: Request) -> bool:
    """For what writes, or depends on more than the log and what followers make of it."""
    return False


def always(_: Request) -> bool:
    """For lists and audits."""
    return True


def of_the_past(request: Request) -> bool:
    """For single rows: those of the present share one statement with others, on the primary."""
    return bool(request.query) and request.as_of() is not None


class Operation(Struct, frozen=True, kw_only=True):
    """One documented operation: its name, its admission rule, and its handler."""

    name: str
    handler: Handler
    admit: Callable[[Principal], None] = lambda _: None
    """Raises Forbidden for a principal that may not call it."""
    is_anonymous: bool = False
    """Whether it needs no credentials."""
    any_host: bool = False
    """Whether it is answered for every host, not only for those that the service is known by."""
    is_vital: bool = False
    """Whether it is answered however much there is to do, and however often: health, metrics."""
    is_first: bool = False
    """Whether it may be called before the password is changed that somebody else made."""
    is_safe: bool = False
    """Whether it changes nothing, by whichever verb it is called (RFC 9110, 9.2.1)."""
    reads: Callable[[Request], bool] = never
    """Whether a standby may answer a request that passes this (`standby_reads.py`)."""
    is_form: bool = False
    """Whether a page of ours sends it: by `forms.refuse_forged`, its handler finds that out.

    (Our pages say `no-referrer`, so browsers send their forms from the origin `null`.)
    """


Routes = Mapping[str, Mapping[str, Operation]]
"""Operations by path template and HTTP method."""


class Face(Protocol):
    """One API: its authentication policy, its routes, and its answers to errors."""

    name: str
    prefix: str
    """Prefix of the paths where it answers for missing routes, lower case."""
    suffixes: frozenset[str]
    """Path extensions that name a format, lower case."""
    overridable: bool
    """Whether a POST may name another verb in `X-HTTP-Method-Override`."""
    policy: AuthPolicy
    routes: Routes
    refuses_alike: bool
    """Whether the form of its refusals hangs on no more of a request without a query, from a
    program, than on `Accept`, `Content-Type`, its suffix and the first part of its path."""
    responses: Responses
    """Responses to errors that no other face knows."""

    def refuse(self, refused: Refusal, request: Request | None) -> Reply:
        """The answer to an error, in the API's documented shape.

        `request` is None if its head could not be read.
        """
