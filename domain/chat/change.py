"""Changes that depend on a chat session's present state, and the rights of their caller."""

from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from domain.chat.carriers import Associate
    from domain.chat.fields import ChatSessionFields
    from domain.chat.session import ChatSession


class Change(Protocol):
    """A change that applies to whatever a session holds when it is decided."""

    def of(self, held: "ChatSessionFields", *, sees_key: bool) -> "ChatSessionFields":
        """The fields after the change; without `sees_key`, `held` comes without the key.

        The result depends on nothing else. Raises DomainError.
        """


class ChatCaller(Struct, frozen=True):
    """A caller, as far as the rights to a session's key and to its agent go.

    A key admits its bearer as the customer. Administrators see all keys. The creator of a session
    sees its key, because the key comes from there. So does the agent or manager who has the
    session.
    """

    name: str
    associate_id: int = 0
    """The number of an agent or manager; 0 is a caller who cannot have a session."""
    sees_all: bool = False
    assigns: bool = False
    """Whether it may give any session to anybody."""

    def sees_key(self, session: "ChatSession", created_by: str) -> bool:
        """Whether the caller may see the key of a session."""
        if self.sees_all or created_by == self.name:
            return True
        return self.is_agent(session.user)

    def is_agent(self, user: "Associate | None") -> bool:
        """Whether the caller is this agent."""
        return user is not None and 0 != self.associate_id == user.associate_id


EVERYTHING = ChatCaller("", sees_all=True, assigns=True)
"""The service itself."""
