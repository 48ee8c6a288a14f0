"""What the domain can refuse. No HTTP and no SQL in here.

DomainError
├── NotFound            no such session or account, or it was deleted
├── AlreadyExists       the id to create is taken
├── AccountNotFound     a command names an account that does not exist
├── InvalidField        a value that no session may hold
├── NotYours            a secret that the caller may not see, and so may not set
├── NotInQueue          a chat session to pick up does not wait in the queue
└── MessageOutOfOrder   a chat message would have a smaller id than one before it
"""


class DomainError(Exception):
    """A command that the domain refuses; the message is for humans."""


class NotFound(DomainError):
    """No such thing, or it was deleted."""

    def __init__(self, kind: str, key: object) -> None:
        """`kind` as the documents name it (`AISession`), `key` as the caller gave it."""
        self.kind = kind
        self.key = key
        super().__init__(f"{kind} {key} does not exist")


class AlreadyExists(DomainError):
    """The id to create is taken."""

    def __init__(self, kind: str, key: object) -> None:
        """As for `NotFound`."""
        self.kind = kind
        self.key = key
        super().__init__(f"{kind} {key} exists already")


class AccountNotFound(DomainError):
    """A command names an account that does not exist."""

    def __init__(self, account_id: str) -> None:
        """`account_id` as the caller gave it."""
        self.account_id = account_id
        super().__init__(f"Account {account_id} does not exist")


class InvalidField(DomainError):
    """A value that no session may hold; `field` is its documented name."""

    def __init__(self, field: str, message: str) -> None:
        """`message` says what is wrong, with the limit where there is one."""
        self.field = field
        super().__init__(message)


class NotYours(DomainError):
    """Somebody would set a secret that is not theirs to see; `field` is its documented name."""

    def __init__(self, field: str, message: str) -> None:
        """`message` says who may."""
        self.field = field
        super().__init__(message)


class NotInQueue(DomainError):
    """A chat session to pick up does not wait in the queue, or no longer."""

    def __init__(self, chat_session_id: int) -> None:
        """`chat_session_id` of the session."""
        super().__init__(f"ChatSession {chat_session_id} is not in the queue")


class MessageOutOfOrder(DomainError):
    """A message's id was drawn before that of a message that is there already: draw another."""

    def __init__(self, message_id: int) -> None:
        """`message_id` that came too late."""
        super().__init__(f"ChatMessage {message_id} comes after one with a larger id")
