"""What a face serves: operations by path and verb, and how it answers what it cannot do."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from msgspec import Struct

from app.auth.principals import Principal
from app.http.errors import Refusal, Responses
from app.http.identify import AuthPolicy
from app.http.request import Reply, Request
from app.service import Service

Handler = Callable[[Request, Service], Awaitable[Reply]]


class Operation(Struct, frozen=True, kw_only=True):
    """One documented operation: its name, who may call it, and what carries it out."""

    name: str
    handler: Handler
    admit: Callable[[Principal], None] = lambda _: None
    """Raises Forbidden for a principal that may not call it."""
    is_anonymous: bool = False
    """Nobody has to say who he is."""
    is_safe: bool = False
    """It changes nothing, by whichever verb it is called (RFC 9110, 9.2.1)."""


Routes = Mapping[str, Mapping[str, Operation]]
"""Operations by path template and HTTP method."""


class Face(Protocol):
    """One API: whom it lets in, and how it answers what it cannot do."""

    name: str
    prefix: str
    """Of the paths where it answers for what is not there; lower case."""
    suffixes: frozenset[str]
    """Extensions of a path that name a format, lower case."""
    overridable: bool
    """Whether a POST may ask for another verb by `X-HTTP-Method-Override`."""
    policy: AuthPolicy
    routes: Routes
    responses: Responses
    """To errors that no other face knows."""

    def refuse(self, refused: Refusal, request: Request | None) -> Reply:
        """An answer that is no success, in the API's documented shape.

        `request` is None if its headers could not be taken in.
        """
