"""Changes that depend on a chat session's present state, and the right to see its secret."""

from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from domain.chat.session import ChatSession, ChatSessionFields


class Change(Protocol):
    """A change that applies to whatever a session holds when it is decided."""

    def of(self, held: "ChatSessionFields", *, sees_key: bool) -> "ChatSessionFields":
        """The fields after the change; without `sees_key`, `held` comes without the key.

        The result depends on nothing else. Raises DomainError.
        """


class KeyViewer(Struct, frozen=True):
    """A caller who may see the keys of some sessions; a key admits its bearer as the customer.

    Administrators see all keys. The creator of a session sees its key, because the key comes from
    there. So does the agent or manager who has the session.
    """

    name: str
    associate_id: int = 0
    """The number of an agent or manager; 0 is a caller who cannot have a session."""
    sees_all: bool = False

    def sees(self, session: "ChatSession", created_by: str) -> bool:
        """Whether the caller may see the key of a session."""
        if self.sees_all or created_by == self.name:
            return True
        user = session.user
        return user is not None and 0 != self.associate_id == user.associate_id


EVERYTHING = KeyViewer("", sees_all=True)
"""The service itself."""
