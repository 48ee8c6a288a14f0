"""The request bodies of the chat agent's operations, under the documented names."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import tzinfo
from typing import Annotated, TypeVar

from msgspec import Meta, Struct, defstruct

from app.codecs.json_text import BadInput
from app.faces.superoffice.wire import bodies
from app.faces.superoffice.wire.message import MESSAGE
from domain.ids import ChatSessionId
from domain.limits import INT32, Int32

R = TypeVar("R", bound=Struct)

ADD_CHAT_MESSAGE = defstruct(
    "AddChatMessageRequest",
    [
        ("chat_session_id", Annotated[ChatSessionId, INT32], ChatSessionId(0)),
        ("message", MESSAGE | None, None),
    ],
    rename="pascal",
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
)
"""A message to post, with its session."""
NULL_PARAMETER = "NullParameter"
"""The code of a refusal because an operation's parameter is missing or unreadable."""


class Request(Struct, frozen=True, kw_only=True, rename="pascal", forbid_unknown_fields=True):
    """The base of all of them: the number of the session."""

    chat_session_id: Annotated[ChatSessionId, INT32] = ChatSessionId(0)


class TransferChatSessionRequest(Request, frozen=True, kw_only=True):
    """Ask another agent, by user name or number, to take a session over."""

    to_associate: Annotated[str, Meta(max_length=255)] | None = None


class AcceptChatSessionTransferRequest(Request, frozen=True, kw_only=True):
    """Take a session over."""


class RejectChatSessionTransferRequest(Request, frozen=True, kw_only=True):
    """Do not take a session over."""


class PickUpChatSessionRequest(Request, frozen=True, kw_only=True):
    """Take a session from the queue."""


class ResetChatSessionRequest(Request, frozen=True, kw_only=True):
    """Send a session back to the queue."""


class GetChatTranscriptRequest(Request, frozen=True, kw_only=True):
    """What was said, as text or HTML."""

    html: bool = False


class GetChatMessagesRequest(Request, frozen=True, kw_only=True):
    """The messages with ids above `after`."""

    after: Int32 = 0


class CreateChatSessionForTopicRequest(
    Struct, frozen=True, kw_only=True, rename="pascal", forbid_unknown_fields=True
):
    """Create a session on a topic."""

    chat_topic_id: Int32 = 0


def read_request(shape: type[R], body: bytes, content_type: bytes | None, zone: tzinfo | None) -> R:
    """The request in a body; arguments are those of `bodies.read`, errors those of `parameter`."""
    if bodies.is_empty(body):
        raise null_parameter("request")
    with parameter("request"):
        found = bodies.read(shape, body, content_type, zone)
    assert isinstance(found, shape)  # `read` returns the requested shape
    return found


@contextmanager
def parameter(name: str) -> Iterator[None]:
    """Reword read errors in the agent's style; they name the member at fault, else `name`."""
    try:
        yield
    except BadInput as error:
        raise null_parameter(error.field or name, str(error)) from error


def null_parameter(name: str, reason: str = "") -> BadInput:
    """The refusal of a missing parameter, or of an unreadable one with the `reason`."""
    sentence = f"The parameters dictionary contains a null entry for parameter {name!r}."
    return BadInput(f"{sentence} {reason}".rstrip(), field=name, code=NULL_PARAMETER)
