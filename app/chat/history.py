"""Reads the messages of a chat session in pages: from one on, or all that fit into an answer."""

from msgspec import UNSET

from app.codecs.answer_budget import AnswerBudget
from app.log.log import Log
from domain.chat.events import ChatMessageAdded
from domain.chat.message import ChatMessage
from domain.ids import ChatSessionId, chat_session_stream
from projections.fold import Recorded

_PAGE = 50
_MESSAGE_BYTES = 512
"""Bytes that a message counts beside its text."""


class ChatHistory:
    """Reads messages from the log, where their ids rise with their versions."""

    def __init__(self, log: Log) -> None:
        """`log`: of the worker."""
        self._log = log

    async def all_after(
        self, chat_session_id: ChatSessionId, after: int, before: int, budget: AnswerBudget
    ) -> list[ChatMessage]:
        """The messages with ids above `after`, oldest first; quick if they are few.

        `before`: the version of the session before which they are. Raises AnswerTooLarge,
        Unreadable, or StoreDown.
        """
        found: list[ChatMessage] = []
        while True:
            page = await self._back(chat_session_id, before, _PAGE)
            new = [event for event in _messages(page) if event.message_id > after]
            found += [_counted(chat_session_id, event, budget) for event in new]
            if len(new) < _PAGE:
                return found[::-1]
            before = page[-1].version

    async def some_after(
        self,
        chat_session_id: ChatSessionId,
        after: int,
        before: int,
        most: int,
        budget: AnswerBudget,
    ) -> list[ChatMessage]:
        """The first `most` messages with ids above `after`, oldest first.

        The cost depends on these alone, not on the messages before and behind. Raises as
        `all_after` does.
        """
        found: list[ChatMessage] = []
        version = await self._start(chat_session_id, after, before)
        while len(found) < most:
            read = await self._on(chat_session_id, version, _PAGE)
            page = [event for event in read if event.version < before]
            new = [event for event in _messages(page) if event.message_id > after]
            wanted = new[: most - len(found)]
            found += [_counted(chat_session_id, event, budget) for event in wanted]
            if len(page) < _PAGE:
                break
            version = page[-1].version + 1
        return found

    async def last_before(self, chat_session_id: ChatSessionId, version: int) -> ChatMessage:
        """The last message before a version; there must be one. Raises as `all_after` does."""
        (event,) = _messages(await self._back(chat_session_id, version, 1))
        return _message(chat_session_id, event)

    async def _start(self, chat_session_id: ChatSessionId, after: int, before: int) -> int:
        """A version behind which lie all messages above `after`, and at most a page of others."""
        low = 1
        last = await self._back(chat_session_id, before, 1) if after > 0 else ()
        high = last[0].version if last else low
        while high - low > _PAGE:
            middle = (low + high) // 2
            (at,) = await self._on(chat_session_id, middle, 1)  # exists: the last is behind it
            (event,) = _messages([at])
            if event.message_id > after:
                high = middle
            else:
                low = at.version + 1
        return low

    async def _back(self, number: ChatSessionId, before: int, most: int) -> list[Recorded]:
        return await self._log.last_named(
            chat_session_stream(number), ChatMessageAdded.topic, before=before, most=most
        )

    async def _on(self, number: ChatSessionId, since: int, most: int) -> list[Recorded]:
        return await self._log.first_named(
            chat_session_stream(number), ChatMessageAdded.topic, since=since, most=most
        )


def _messages(page: list[Recorded]) -> list[ChatMessageAdded]:
    return [each.event for each in page if isinstance(each.event, ChatMessageAdded)]


def _counted(
    chat_session_id: ChatSessionId, event: ChatMessageAdded, budget: AnswerBudget
) -> ChatMessage:
    message = _message(chat_session_id, event)
    budget.spend(len((message.message or "").encode()) + _MESSAGE_BYTES)
    return message


def _message(chat_session_id: ChatSessionId, event: ChatMessageAdded) -> ChatMessage:
    return ChatMessage(
        chat_message_id=event.message_id,
        chat_session_id=chat_session_id,
        type=event.type,
        message=None if event.message is UNSET else event.message,
        author=None if event.author is UNSET else event.author,
        read_by_customer=event.read_by_customer,
        special_type=event.special_type,
        special_param=None if event.special_param is UNSET else event.special_param,
        when_posted=event.when_posted,
    )
