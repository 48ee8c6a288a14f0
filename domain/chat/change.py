"""Changes of chat sessions that depend on what the session holds, and who may see its secret."""

from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from domain.chat.session import ChatSession, ChatSessionFields


class Change(Protocol):
    """A value that tells what becomes of a session, whatever it holds by then."""

    def of(self, held: "ChatSessionFields", *, sees_key: bool) -> "ChatSessionFields":
        """What the session is to hold; without `sees_key` it was shown without its key.

        Depends on nothing else. Raises DomainError.
        """


class KeyViewer(Struct, frozen=True):
    """Somebody who may see the keys of some sessions: each lets its bearer in as the customer.

    Administrators see all, whoever created a session its own (that is where the key comes from),
    and the agent or manager who has it.
    """

    name: str
    associate_id: int = 0
    """Of an agent or manager; 0: nobody who could have a session."""
    sees_all: bool = False

    def sees(self, session: "ChatSession", created_by: str) -> bool:
        """Whether the key of a session is to be seen."""
        if self.sees_all or created_by == self.name:
            return True
        user = session.user
        return user is not None and 0 != self.associate_id == user.associate_id


EVERYTHING = KeyViewer("", sees_all=True)
"""The service itself."""
