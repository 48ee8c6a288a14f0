"""Changes of chat sessions as plain functions."""

from collections.abc import Callable

from msgspec import Struct

from domain.chat.fields import ChatSessionFields


class Made(Struct, frozen=True):
    """What a function makes of a session."""

    make: Callable[[ChatSessionFields], ChatSessionFields]

    def of(self, held: ChatSessionFields, *, sees_key: bool) -> ChatSessionFields:
        return self.make(held)
