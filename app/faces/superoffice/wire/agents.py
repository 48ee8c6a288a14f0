"""The table of operations on `/api/v1/Agents/Chat`, by their names in the official description."""

from msgspec import Struct

from app.faces.superoffice.wire import requests as r
from app.faces.superoffice.wire.api import (
    AGENT,
    AS_OF,
    MESSAGES_PAGE,
    SELECT,
    TOP,
    Shows,
    SuperOfficeDescription,
)
from app.faces.superoffice.wire.entity import PLAIN


def _of_agent(
    name: str,
    summary: str,
    shows: Shows = Shows.ENTITY,
    *,
    body: type[Struct] | None = None,
    query: tuple[str, ...] = (),
    is_command: bool = False,
) -> SuperOfficeDescription:
    """An operation of the agent: POST, whatever it does."""
    return SuperOfficeDescription(
        name=f"ChatAgent_{name}",
        verb="POST",
        path=f"{AGENT}/{name}",
        summary=summary,
        shows=shows,
        body=body,
        query=query,
        is_command=is_command,
        is_conditional=is_command and (body is not None or "chatSessionEntityId" in query),
    )


_ID = ("chatSessionEntityId",)

AGENTS: tuple[SuperOfficeDescription, ...] = (
    _of_agent("CreateDefaultChatSessionEntity", "A new session that is not stored"),
    _of_agent("GetChatSessionEntity", "Get a session, or null", query=(*_ID, *SELECT, *AS_OF)),
    _of_agent(
        "SaveChatSessionEntity",
        "Create a session, or replace the one whose id is not 0",
        body=PLAIN,
        query=SELECT,
        is_command=True,
    ),
    _of_agent(
        "DeleteChatSessionEntity", "Delete a session", Shows.NOTHING, query=_ID, is_command=True
    ),
    _of_agent(
        "ChatSessionsForUser",
        "The open sessions that the caller has, is asked to take over, or may pick up",
        Shows.ENTITIES,
        query=(*SELECT, TOP, *AS_OF),
    ),
    _of_agent(
        "TransferChatSession",
        "Ask an agent, by name or number, to take a session over",
        body=r.TransferChatSessionRequest,
        query=SELECT,
        is_command=True,
    ),
    _of_agent(
        "AcceptChatSessionTransfer",
        "Take a session over",
        body=r.AcceptChatSessionTransferRequest,
        query=SELECT,
        is_command=True,
    ),
    _of_agent(
        "RejectChatSessionTransfer",
        "Do not take a session",
        body=r.RejectChatSessionTransferRequest,
        query=SELECT,
        is_command=True,
    ),
    _of_agent(
        "PickUpChatSession",
        "Take a session from the queue; null if it is not there",
        body=r.PickUpChatSessionRequest,
        query=SELECT,
        is_command=True,
    ),
    _of_agent(
        "ResetChatSession",
        "Send a session back to the queue",
        body=r.ResetChatSessionRequest,
        query=SELECT,
        is_command=True,
    ),
    _of_agent(
        "PickUpFirstChatSession",
        "Take the session that has waited longest; null if none waits",
        query=SELECT,
        is_command=True,
    ),
    _of_agent(
        "GetChatTranscript",
        "What was said, as text or HTML",
        Shows.TEXT,
        body=r.GetChatTranscriptRequest,
        query=MESSAGES_PAGE,
    ),
    _of_agent(
        "GetChatMessages",
        "The messages of a session, those after one of them if asked so",
        Shows.MESSAGES,
        body=r.GetChatMessagesRequest,
        query=MESSAGES_PAGE,
    ),
    _of_agent(
        "AddChatMessage",
        "Post a message",
        Shows.MESSAGE,
        body=r.ADD_CHAT_MESSAGE,
        is_command=True,
    ),
    _of_agent(
        "CreateChatSessionForTopic",
        "Create a session on a topic, in the queue",
        body=r.CreateChatSessionForTopicRequest,
        query=SELECT,
        is_command=True,
    ),
)
