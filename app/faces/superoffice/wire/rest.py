"""The table of operations on `/api/v1/ChatSession`, by their names in the official description."""

from app.faces.superoffice.wire.api import (
    AS_OF,
    LIST,
    MESSAGES_PAGE,
    PATH,
    SELECT,
    TOP,
    Shows,
    SuperOfficeDescription,
)
from app.faces.superoffice.wire.entity import PLAIN
from app.faces.superoffice.wire.message import MESSAGE

_LISTING = (
    "$select", "$filter", "$orderby", "$entities", TOP, "$skip", "$mode", "$options",
    "$context", "$format", "$jsonSafe", "$output", *AS_OF,
)  # fmt: skip
_BY_ID = f"{PATH}/{{id}}"
_SESSION = f"{PATH}/{{chatSessionId}}"


def _action(name: str, path: str, summary: str) -> SuperOfficeDescription:
    """An agent's action on a session; it has no body."""
    return SuperOfficeDescription(
        name=name,
        verb="POST",
        path=path,
        summary=summary,
        shows=Shows.ENTITY,
        query=SELECT,
        is_command=True,
        is_conditional="{" in path,
    )


REST: tuple[SuperOfficeDescription, ...] = (
    SuperOfficeDescription(
        name="DefaultChatSessionEntity",
        verb="GET",
        path=f"{PATH}/default",
        summary="A new session with its default values; it is not stored",
        shows=Shows.ENTITY,
        query=SELECT,
    ),
    SuperOfficeDescription(
        name=LIST,
        verb="GET",
        path=PATH,
        summary="List sessions, by OData's conventions",
        shows=Shows.PAGE,
        query=_LISTING,
    ),
    SuperOfficeDescription(
        name="ChatSessionsForUser",
        verb="GET",
        path=f"{PATH}/ForCurrentUser",
        summary="The open sessions that the caller has, is asked to take over, or may pick up",
        shows=Shows.ENTITIES,
        query=(*SELECT, TOP, *AS_OF),
    ),
    SuperOfficeDescription(
        name="PostChatSessionEntity",
        verb="POST",
        path=PATH,
        summary="Create a session; the service gives its id",
        shows=Shows.LINKED,
        body=PLAIN,
        query=SELECT,
        is_command=True,
    ),
    SuperOfficeDescription(
        name="GetChatSessionEntity",
        verb="GET",
        path=_BY_ID,
        summary="Get a session",
        shows=Shows.LINKED,
        query=(*SELECT, *AS_OF),
        is_conditional=True,
    ),
    SuperOfficeDescription(
        name="PutChatSessionEntity",
        verb="PUT",
        path=_BY_ID,
        summary="Replace a session as a whole",
        shows=Shows.LINKED,
        body=PLAIN,
        query=SELECT,
        is_command=True,
        is_conditional=True,
    ),
    SuperOfficeDescription(
        name="PatchChatSessionEntity",
        verb="PATCH",
        path=_BY_ID,
        summary="Change a session by a JSON Patch or an object to merge",
        shows=Shows.LINKED,
        is_patch=True,
        query=SELECT,
        is_command=True,
        is_conditional=True,
    ),
    SuperOfficeDescription(
        name="DeleteChatSessionEntity",
        verb="DELETE",
        path=_BY_ID,
        summary="Delete a session",
        shows=Shows.NOTHING,
        is_command=True,
        is_conditional=True,
    ),
    _action(
        "TransferChatSession",
        f"{_SESSION}/TransferTo/{{toAssociate}}",
        "Ask an agent, by name or number, to take a session over",
    ),
    _action("AcceptChatSessionTransfer", f"{_SESSION}/AcceptTransfer", "Take a session over"),
    _action("RejectChatSessionTransfer", f"{_SESSION}/RejectTransfer", "Do not take a session"),
    _action(
        "PickUpChatSession",
        f"{_SESSION}/Pickup",
        "Take a session from the queue; null if it is not there",
    ),
    _action(
        "PickUpFirstChatSession",
        f"{PATH}/Pickup",
        "Take the session that has waited longest; null if none waits",
    ),
    _action("ResetChatSession", f"{_SESSION}/Reset", "Send a session back to the queue"),
    SuperOfficeDescription(
        name="GetChatTranscript",
        verb="POST",
        path=f"{_SESSION}/Transcript",
        summary="What was said, as text or HTML",
        shows=Shows.TEXT,
        query=("html", *MESSAGES_PAGE),
    ),
    SuperOfficeDescription(
        name="GetChatMessages",
        verb="GET",
        path=f"{_SESSION}/Messages",
        summary="The messages of a session, those after one of them if asked so",
        shows=Shows.MESSAGES,
        query=MESSAGES_PAGE,
    ),
    SuperOfficeDescription(
        name="AddChatMessage",
        verb="POST",
        path=f"{_SESSION}/Messages",
        summary="Post a message",
        shows=Shows.MESSAGE,
        body=MESSAGE,
        is_command=True,
        is_conditional=True,
    ),
)
