"""Actions of agents and customers on a chat session: transfers, the queue, messages."""

from urllib.parse import urlencode

from msgspec.structs import replace

from app.codecs.answer_budget import AnswerBudget
from app.codecs.json_text import BadInput
from app.commands.context import CommandResult
from app.faces.superoffice.request import ChatRequest, int32, is_customer
from app.faces.superoffice.sessions import answered
from app.faces.superoffice.wire.answer import write_message, write_messages, write_text
from app.faces.superoffice.wire.api import MAX_ROWS_PER_PAGE
from app.faces.superoffice.wire.coerce import whole
from app.faces.superoffice.wire.entity import refuse_another_id
from app.faces.superoffice.wire.message import read_message
from app.faces.superoffice.wire.transcript import transcript
from app.history.moments import Cut
from app.http.request import Headers, Reply, as_of_header, position_headers
from domain.chat.message import ChatMessage
from domain.errors import NotFound, NotInQueue
from domain.ids import ChatSessionId


async def transfer(asked: ChatRequest, number: ChatSessionId, to: str) -> Reply:
    """Ask an agent, by user name or number, to take a session over."""
    service = asked.service
    call = asked.call()
    agent = await service.principals.associate(to)
    if agent is None or not agent.takes_chats:
        raise NotFound("Associate", to[:100])
    return answered(asked, await service.chat.transfer(number, agent, asked.principal, call))


async def accept(asked: ChatRequest, number: ChatSessionId) -> Reply:
    """Take over a session; without a request to the caller, it stays unchanged."""
    chat, call = asked.service.chat, asked.call()
    return answered(asked, await chat.accept_transfer(number, asked.principal, call))


async def reject(asked: ChatRequest, number: ChatSessionId) -> Reply:
    """Decline to take over a session; without a request to anybody, it stays unchanged."""
    chat, call = asked.service.chat, asked.call()
    return answered(asked, await chat.reject_transfer(number, asked.principal, call))


async def pick_up(asked: ChatRequest, number: ChatSessionId) -> Reply:
    """Take a session from the queue; null if it is not, or no longer, in the queue."""
    chat, call = asked.service.chat, asked.call()
    try:
        return answered(asked, await chat.pick_up(number, asked.principal, call))
    except NotInQueue:
        # The session is unchanged, but the headers name its version all the same.
        session = await asked.found(number)
        return asked.nothing(
            () if session is None else position_headers(CommandResult(session, None))
        )


async def pick_up_first(asked: ChatRequest) -> Reply:
    """Take the session that has waited longest; null if no session waits."""
    # A condition would concern a session that the caller does not know yet.
    call = replace(asked.http.call(), if_version=None, unless_version=())
    answer = await asked.service.chat.pick_up_first(asked.principal, call)
    return asked.nothing() if answer is None else answered(asked, answer)


async def reset(asked: ChatRequest, number: ChatSessionId) -> Reply:
    """Send a session back to the queue."""
    call = asked.call()
    return answered(asked, await asked.service.chat.reset(number, call))


async def messages(asked: ChatRequest, number: ChatSessionId, after: int) -> Reply:
    """The messages of a session, optionally those after one of them; with `$top`, in pages."""
    budget = _budget(asked)
    found, headers = await _page(asked, number, after, budget)
    return asked.reply(write_messages(found, asked.manner, budget), headers)


async def tell(asked: ChatRequest, number: ChatSessionId, *, html: bool) -> Reply:
    """The transcript of a session, as text or HTML; with `$top`, in pages."""
    budget = _budget(asked)
    found, headers = await _page(asked, number, after_of(asked), budget)
    text = transcript(found, asked.manner.locale, html=html)
    body = write_text(text, asked.manner.format)
    budget.require(body)
    return asked.reply(body, headers)


async def add_message(asked: ChatRequest, number: ChatSessionId, message: ChatMessage) -> Reply:
    """Post a message; the service gives its id and time."""
    refuse_another_id(message, number)
    call = asked.call()
    posted, answer = await asked.service.chat.add_message(number, message, call)
    return asked.reply(write_message(posted, asked.manner), position_headers(answer))


async def transfer_by_path(asked: ChatRequest) -> Reply:
    """`POST /{chatSessionId}/TransferTo/{toAssociate}`."""
    return await transfer(asked, asked.number("chatSessionId"), asked.http.path["toAssociate"])


async def get_messages(asked: ChatRequest) -> Reply:
    """`GET /{chatSessionId}/Messages?after=…&$top=…`."""
    return await messages(asked, asked.number("chatSessionId"), after_of(asked))


async def post_message(asked: ChatRequest) -> Reply:
    """`POST /{chatSessionId}/Messages`."""
    message = read_message(asked.http.body, asked.body_type, asked.zone)
    return await add_message(asked, asked.number("chatSessionId"), message)


async def get_transcript(asked: ChatRequest) -> Reply:
    """`POST /{chatSessionId}/Transcript?html=…`."""
    return await tell(asked, asked.number("chatSessionId"), html=asked.truth("html"))


def after_of(asked: ChatRequest) -> int:
    """The id in the query's `after`, whose later messages are wanted; 0: all. Raises BadInput."""
    text = asked.query.get("after", "").strip()
    number = whole(text) if text else 0
    after = None if number is None else int32(str(number))
    if after is None:
        raise BadInput(f"{text[:20]!r} is no int32", field="after")
    return after


def _budget(asked: ChatRequest) -> AnswerBudget:
    most_bytes = asked.service.settings.answer_bytes
    return AnswerBudget(most_bytes, "fewer messages with $top, and go on with after")


async def _page(
    asked: ChatRequest, number: ChatSessionId, after: int, budget: AnswerBudget
) -> tuple[list[ChatMessage], Headers]:
    """Messages, with a link to the next ones if `$top` leaves some, and the moment if past."""
    top = asked.count("$top")
    most = None if top is None else min(top, MAX_ROWS_PER_PAGE)
    past, cut, fetched_by = None, None, None
    if asked.as_of is not None:
        past, cut = await asked.then(number, asked.as_of)
    elif is_customer(asked.principal):
        fetched_by = asked.http.call()
    found = await asked.service.chat.messages(
        number,
        after,
        fetched_by,
        most=None if most is None else most + 1,
        budget=budget,
        past=past,
    )
    headers = () if cut is None else (as_of_header(cut),)
    if not most or len(found) <= most:
        return found[:most], headers
    return found[:most], (_next(asked, cut, found[most - 1].chat_message_id), *headers)


def _next(asked: ChatRequest, cut: Cut | None, after: int) -> tuple[bytes, bytes]:
    """A link to the messages after one (RFC 8288)."""
    pairs = asked.http.pairs if cut is None else asked.pairs_as_of(cut)
    kept = [(name, value) for name, value in pairs if name.lower() != "after"]
    query = urlencode([*kept, ("after", after)], safe="$")
    target = f'<{asked.http.base_url}/{asked.http.location}?{query}>; rel="next"'
    return (b"link", target.encode())
