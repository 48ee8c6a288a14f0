"""The domain's reasons for refusing a command. No HTTP and no SQL in here.

DomainError
├── NotFound            no such session or account, or it was deleted
├── AlreadyExists       the id to create is taken
├── AccountNotFound     a command names an account that does not exist
├── InvalidField        a value that no session may hold
├── NotYours            a secret, or a session's agent, that the caller may not set
├── NotInQueue          the chat session to pick up does not wait in the queue
├── OnHold              a legal hold forbids to erase personal data
├── PersonalDataGone    personal data of somebody whose data was erased from the session
└── MessageOutOfOrder   a chat message would have a smaller id than an earlier one
"""


class DomainError(Exception):
    """A command that the domain refuses; the message is for humans."""


class NotFound(DomainError):
    """No such session, action or account exists, or it was deleted."""

    def __init__(self, kind: str, key: object) -> None:
        """`kind` is as the documents name it (`AISession`), `key` as the caller gave it."""
        self.kind = kind
        self.key = key
        super().__init__(f"{kind} {key} does not exist")


class AlreadyExists(DomainError):
    """The id to create is taken."""

    def __init__(self, kind: str, key: object) -> None:
        """Takes the same arguments as `NotFound`."""
        self.kind = kind
        self.key = key
        super().__init__(f"{kind} {key} exists already")


class AccountNotFound(DomainError):
    """A command names an account that does not exist."""

    def __init__(self, account_id: str) -> None:
        """`account_id` is as the caller gave it."""
        self.account_id = account_id
        super().__init__(f"Account {account_id} does not exist")


class InvalidField(DomainError):
    """A value that no session may hold; `field` is its documented name."""

    def __init__(self, field: str, message: str) -> None:
        """`message` states the fault, and the limit if one applies."""
        self.field = field
        super().__init__(message)


class NotYours(DomainError):
    """The caller sets what it may not: a secret, or an agent; `field` is its documented name."""

    def __init__(self, field: str, message: str) -> None:
        """`message` names the callers that may set it."""
        self.field = field
        super().__init__(message)


class NotInQueue(DomainError):
    """The chat session to pick up does not, or no longer, wait in the queue."""

    def __init__(self, chat_session_id: int) -> None:
        """`chat_session_id` names that session."""
        super().__init__(f"ChatSession {chat_session_id} is not in the queue")


class MessageOutOfOrder(DomainError):
    """A message's id was drawn before the id of a message already posted: draw another."""

    def __init__(self, message_id: int) -> None:
        """`message_id` is the id that came too late."""
        super().__init__(f"ChatMessage {message_id} comes after one with a larger id")


class PersonalDataGone(DomainError):
    """Personal data was erased from a stream: nothing of the same subject gets into it again."""

    def __init__(self, subject: str) -> None:
        """`subject`: whose data it is."""
        self.subject = subject
        super().__init__(
            f"The personal data of this session's {subject} was erased, and no more is taken"
        )


class OnHold(DomainError):
    """A legal hold forbids to erase personal data."""

    def __init__(self, target: str, reason: str) -> None:
        """`target`: what the hold is on; `reason`: why, as whoever placed it said."""
        self.target = target
        self.reason = reason
        super().__init__(f"{target} is on hold, and nothing of it is erased: {reason}")
