"""The SuperOffice-style face: chat sessions, as REST resources and on the chat agent."""

import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from types import MappingProxyType

from app.auth.principals import Principal
from app.codecs.formats import JSON
from app.codecs.json_text import BadInput
from app.faces.superoffice import actions, agents, auth, pages, service_document, sessions
from app.faces.superoffice.request import ChatRequest, asked, negotiated
from app.faces.superoffice.wire.agents import AGENTS
from app.faces.superoffice.wire.answer import write_error, write_invalid_request
from app.faces.superoffice.wire.api import LIST, Shows, SuperOfficeDescription
from app.faces.superoffice.wire.negotiation import NotAcceptable
from app.faces.superoffice.wire.patch import TestFailed
from app.faces.superoffice.wire.requests import NULL_PARAMETER
from app.faces.superoffice.wire.rest import REST
from app.history.past_reads import AS_OF
from app.http.errors import Refusal, Responses
from app.http.operation import Operation, Routes, always, never, of_the_past
from app.http.request import Reply, Request, refuse_as_of
from app.pages.errors import error_page
from app.service import Service
from domain.ids import ChatSessionId

NAME = "superoffice"
_ERROR_TYPES = {
    400: "SoBadRequestException",
    401: "SoAuthenticationException",
    403: "SoSentryException",
    404: "SoNotFoundException",
    405: "SoMethodNotAllowedException",
    406: "SoNotAcceptableException",
    409: "SoConflictException",
    412: "SoPreconditionException",
    413: "SoRequestTooLargeException",
    415: "SoUnsupportedMediaTypeException",
    429: "SoTooManyRequestsException",
    503: "SoServiceUnavailableException",
}
"""Error types by status. Only that of 404 is documented; the others follow its pattern."""
_CHANGED_SINCE = (
    "Update aborted because ChatSessionEntity has changed since the requested"
    " If-Unmodified-Since timestamp."
)
"""The documented sentence of 412."""

Handler = Callable[[ChatRequest], Awaitable[Reply]]
Action = Callable[[ChatRequest, ChatSessionId], Awaitable[Reply]]


class SuperOfficeFace:
    """Answers errors as `{"Error": true, …}`, in JSON or XML."""

    name = NAME
    prefix = "/api/v1/"
    suffixes: frozenset[str] = frozenset()
    overridable = False
    refuses_alike = True
    responses: Responses = MappingProxyType(
        {TestFailed: (409, "TestFailed"), NotAcceptable: (406, "NotAcceptable")}
    )
    policy = auth.POLICY

    def __init__(self) -> None:
        """Builds the routes of all operations."""
        self.routes: Routes = _routes()

    def refuse(self, refused: Refusal, request: Request | None) -> Reply:
        """The documented error object; the message names the property at fault."""
        if request is not None and pages.is_wanted(request):
            return error_page(request, refused, pages.BACK)
        format_, content_type = JSON, JSON.content_type
        with suppress(BadInput, NotAcceptable):  # without an acceptable format, it is JSON
            if request is not None:
                format_, content_type = negotiated(request)
        if refused.code == NULL_PARAMETER:
            body = write_invalid_request(refused.message, format_)
        else:
            error_type = _ERROR_TYPES.get(refused.status, "SoException")
            body = write_error(error_type, _sentence(refused, request), format_)
        return Reply(refused.status, body, refused.headers, content_type)


def _sentence(refused: Refusal, request: Request | None) -> str:
    """The sentence for people."""
    if refused.status == 412 and request is not None and _is_by_date(request.headers):
        return _CHANGED_SINCE
    field, message = refused.field, refused.message
    # Only as a whole word: 'copy' does not name "op".
    if not field or re.search(rf"(?<!\w){re.escape(field)}(?!\w)", message):
        return message
    return f"{field}: {message}"


def _is_by_date(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a date is the only condition of a request."""
    return b"if-match" not in headers and b"if-none-match" not in headers


async def _by_path(action: Action, request: ChatRequest) -> Reply:
    """An action on the session that the path names."""
    return await action(request, request.number("chatSessionId"))


_HANDLERS: Mapping[str, Handler] = {
    "DefaultChatSessionEntity": sessions.default,
    LIST: sessions.list_all,
    "ChatSessionsForUser": sessions.for_current_user,
    "PostChatSessionEntity": sessions.post,
    "GetChatSessionEntity": sessions.get,
    "PutChatSessionEntity": sessions.put,
    "PatchChatSessionEntity": sessions.patch,
    "DeleteChatSessionEntity": sessions.delete,
    "TransferChatSession": actions.transfer_by_path,
    "AcceptChatSessionTransfer": partial(_by_path, actions.accept),
    "RejectChatSessionTransfer": partial(_by_path, actions.reject),
    "PickUpChatSession": partial(_by_path, actions.pick_up),
    "PickUpFirstChatSession": actions.pick_up_first,
    "ResetChatSession": partial(_by_path, actions.reset),
    "GetChatTranscript": actions.get_transcript,
    "GetChatMessages": actions.get_messages,
    "AddChatMessage": actions.post_message,
    **agents.HANDLERS,
}


_LISTS = (Shows.PAGE, Shows.ENTITIES)


async def _carry_out(
    api: SuperOfficeDescription, handler: Handler, request: Request, service: Service
) -> Reply:
    if api.verb == "GET" and pages.is_wanted(request):
        as_program = pages.as_program(api, request)
        return pages.shown(api, request, await _carry_out(api, handler, as_program, service))
    # Check first that the answer is acceptable: otherwise, the command must not be carried out.
    called = asked(request, service, bodiless=api.shows is Shows.NOTHING)
    if called.as_of is not None and AS_OF not in api.query:
        refuse_as_of(api.name)
    reply = await handler(called)
    if not api.is_command:
        called.budget.require(reply.body)
    return reply


def _reads(api: SuperOfficeDescription) -> Callable[[Request], bool]:
    if api.shows in _LISTS:
        return always
    return of_the_past if AS_OF in api.query else never


def _routes() -> Routes:
    routes: dict[str, dict[str, Operation]] = {}
    for api in (*REST, *AGENTS):
        routes.setdefault(api.path, {})[api.verb] = Operation(
            name=api.name,
            handler=partial(_carry_out, api, _HANDLERS[api.name]),
            admit=Principal.require_writer if api.is_command else Principal.require_reader,
            is_safe=not api.is_command,
            reads=_reads(api),
        )
    return routes | {path: {"GET": get} for path, get in service_document.OPERATIONS.items()}
