"""The messages of chat sessions: posted as commands, read from the log, kept nowhere else."""

from collections.abc import Callable, Sequence

from msgspec import UNSET, Struct
from msgspec.structs import replace

from app.calls import Answer, Call, Drawn
from app.commands import Commands
from app.log.batcher import Batcher
from app.log.errors import Conflict
from app.log.keyring import Keyring
from app.log.pool import Pool
from app.log.read import LAST_VERSION, read_back
from app.sql import blocks
from app.views import Views
from domain.chat_actions import AddChatMessage
from domain.chat_events import ChatMessageAdded
from domain.chat_message import ChatMessage
from domain.chat_session import ChatSession
from domain.date_time import DateTime
from domain.errors import MessageOutOfOrder, NotFound
from domain.ids import ChatMessageId, ChatSessionId, chat_session_stream, partition_of
from projections.fold import Folded

SQL = blocks(__file__)
_PAGE = 50
_NUMBERS_AT_A_TIME = 256


class ChatMessages:
    """Posts and reads messages, for one worker process."""

    def __init__(
        self,
        pool: Pool,
        keyring: Keyring,
        commands: Commands,
        views: Views,
        *,
        partitions: int,
        now: Callable[[], DateTime],
    ) -> None:
        """`partitions`: how many the log has; `now` tells the time."""
        self._pool = pool
        self._keyring = keyring
        self._commands = commands
        self._views = views
        self._partitions = partitions
        self._now = now
        self._numbers = Batcher[None, int](self._draw, _NUMBERS_AT_A_TIME)

    async def session(self, chat_session_id: ChatSessionId) -> Folded[ChatSession]:
        """A session as it is now. Raises NotFound, Unreadable, or StoreDown."""
        row = await self._views.get("chat_session", chat_session_stream(chat_session_id))
        if row is None:
            raise NotFound("ChatSession", chat_session_id)
        return row.folded

    async def after(self, session: ChatSession, after: int) -> list[ChatMessage]:
        """The messages of a session with ids above `after`, oldest first.

        Costs nothing if there are none: the session knows its last. Raises Unreadable, or
        StoreDown.
        """
        if session.last_message_id <= after:
            return []
        return await self._read(session.chat_session_id, after)

    async def add(
        self, chat_session_id: ChatSessionId, message: ChatMessage, call: Call, rank: int = 0
    ) -> tuple[ChatMessage, Answer]:
        """Post a message; its ids and time are drawn, whatever it says. As it was recorded.

        `rank`: the session's, should the message open it again; 0: as it was. Raises what
        `Commands.handle` raises.
        """
        command = AddChatMessage(
            chat_session_id=chat_session_id,
            message_id=ChatMessageId(0),
            at=self._now(),
            type=message.type,
            message=message.message,
            author=message.author,
            read_by_customer=message.read_by_customer,
            special_type=message.special_type,
            special_param=message.special_param,
            rank=rank,
        )
        answer = await self.numbered(command, call)
        posted = answer.folded.state.last_message_id
        # Of a retry, the first answer: a later message may stand behind it by now.
        found = await self._read(chat_session_id, posted - 1)
        return found[0], answer

    async def numbered(self, command: Struct, call: Call) -> Answer:
        """Do a command that takes a fresh `message_id`.

        Numbers are not drawn ahead: one that was drawn before another process's last would come
        too late, and who polls for what is above the last would never see it. Raises what
        `Commands.handle` raises, but Conflict.
        """
        while True:
            number = ChatMessageId(await self._numbers.submit(None))
            try:
                return await self._commands.handle(
                    replace(command, message_id=number), call, Drawn(("message_id", "at", "rank"))
                )
            except (MessageOutOfOrder, Conflict):
                continue  # others were faster; behind what they did there is room for this one

    async def _read(self, chat_session_id: ChatSessionId, after: int) -> list[ChatMessage]:
        stream = chat_session_stream(chat_session_id)
        partition = partition_of(stream, self._partitions)
        found: list[ChatMessage] = []
        before = LAST_VERSION
        while True:
            page = await read_back(
                self._pool, self._keyring, partition, stream, ChatMessageAdded.topic,
                before=before, most=_PAGE,
            )  # fmt: skip
            events = [each.event for each in page if isinstance(each.event, ChatMessageAdded)]
            new = [event for event in events if event.message_id > after]
            found += [_message(chat_session_id, event) for event in new]
            if len(new) < _PAGE:
                return found[::-1]
            before = page[-1].version

    async def _draw(self, wanted: Sequence[None]) -> Sequence[int]:
        rows = await self._pool.ask(SQL["numbers"], len(wanted), writes=True)
        return [row[0] for row in rows]


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
