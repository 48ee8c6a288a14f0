"""The same operations on the chat agent, where a missing session is null, not an error."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import asdict

from app.faces.superoffice import actions, sessions
from app.faces.superoffice.request import ChatRequest, int32
from app.faces.superoffice.wire import requests as r
from app.faces.superoffice.wire.entity import read_entity
from app.history.past_reads import NotThere
from app.http.request import Reply, as_of_header
from domain.chat.enums import ChatSessionStatus
from domain.chat.fields import ChatSessionFields
from domain.chat.message import ChatMessage
from domain.errors import NotFound
from domain.ids import ChatSessionId

R = TypeVar("R", bound=Struct)
Handler = Callable[[ChatRequest], Awaitable[Reply]]
Action = Callable[[ChatRequest, ChatSessionId], Awaitable[Reply]]


async def get(asked: ChatRequest) -> Reply:
    """`GetChatSessionEntity`."""
    return await sessions.show(asked, _number(asked))


async def delete(asked: ChatRequest) -> Reply:
    """`DeleteChatSessionEntity`: 204, whether the session existed or not."""
    try:
        return await sessions.remove(asked, _number(asked))
    except NotFound:
        return Reply(204)


async def save(asked: ChatRequest) -> Reply:
    """`SaveChatSessionEntity`: creates a session if the id is 0, else replaces it."""
    with r.parameter("entity"):
        entity = read_entity(asked.http.body, asked.body_type, asked.zone)
    if entity.chat_session_id == 0:
        return sessions.answered(asked, await sessions.create(asked, entity))
    return sessions.answered(asked, await sessions.save(asked, entity.chat_session_id, entity))


async def create_for_topic(asked: ChatRequest) -> Reply:
    """`CreateChatSessionForTopic`: the new session waits in the topic's queue."""
    request = _request(asked, r.CreateChatSessionForTopicRequest)
    if request.chat_topic_id == 0:
        raise r.null_parameter("ChatTopicId")
    entity = ChatSessionFields(topic_id=request.chat_topic_id, status=ChatSessionStatus.IN_QUEUE)
    return sessions.answered(asked, await sessions.create(asked, entity))


async def transfer(asked: ChatRequest) -> Reply:
    """`TransferChatSession`."""
    request = _request(asked, r.TransferChatSessionRequest)
    if not request.to_associate:
        raise r.null_parameter("ToAssociate")
    return await actions.transfer(asked, request.chat_session_id, request.to_associate)


async def get_messages(asked: ChatRequest) -> Reply:
    """`GetChatMessages`."""
    request = _request(asked, r.GetChatMessagesRequest)
    after = max(request.after, actions.after_of(asked))  # a link to the next page has the latter
    return await actions.messages(asked, request.chat_session_id, after)


async def get_transcript(asked: ChatRequest) -> Reply:
    """`GetChatTranscript`."""
    request = _request(asked, r.GetChatTranscriptRequest)
    return await actions.tell(asked, request.chat_session_id, html=request.html)


async def add_message(asked: ChatRequest) -> Reply:
    """`AddChatMessage`."""
    request = asdict(_request(asked, r.ADD_CHAT_MESSAGE))
    if request["message"] is None:
        raise r.null_parameter("Message")
    message = ChatMessage(**asdict(request["message"]))
    return await actions.add_message(asked, request["chat_session_id"], message)


async def _on_session(shape: type[r.Request], action: Action, asked: ChatRequest) -> Reply:
    """An action on the session that the body names."""
    return await action(asked, _request(asked, shape).chat_session_id)


async def _or_null(handler: Handler, asked: ChatRequest) -> Reply:
    try:
        return await handler(asked)
    except NotThere as error:
        return asked.nothing((as_of_header(error.cut),))
    except NotFound:
        return asked.nothing()


_HANDLERS: Mapping[str, Handler] = {
    "CreateDefaultChatSessionEntity": sessions.default,
    "GetChatSessionEntity": get,
    "SaveChatSessionEntity": save,
    "DeleteChatSessionEntity": delete,
    "ChatSessionsForUser": sessions.for_current_user,
    "TransferChatSession": transfer,
    "AcceptChatSessionTransfer": partial(
        _on_session, r.AcceptChatSessionTransferRequest, actions.accept
    ),
    "RejectChatSessionTransfer": partial(
        _on_session, r.RejectChatSessionTransferRequest, actions.reject
    ),
    "PickUpChatSession": partial(_on_session, r.PickUpChatSessionRequest, actions.pick_up),
    "ResetChatSession": partial(_on_session, r.ResetChatSessionRequest, actions.reset),
    "PickUpFirstChatSession": actions.pick_up_first,
    "GetChatTranscript": get_transcript,
    "GetChatMessages": get_messages,
    "AddChatMessage": add_message,
    "CreateChatSessionForTopic": create_for_topic,
}
HANDLERS: Mapping[str, Handler] = {
    f"ChatAgent_{name}": partial(_or_null, handler) for name, handler in _HANDLERS.items()
}
"""Handlers by the names of the operations."""


def _number(asked: ChatRequest) -> ChatSessionId:
    number = int32(asked.query.get("chatsessionentityid", ""))
    if number is None:
        raise r.null_parameter("chatSessionEntityId")
    return ChatSessionId(number)


def _request(asked: ChatRequest, shape: type[R]) -> R:
    return r.read_request(shape, asked.http.body, asked.body_type, asked.zone)
