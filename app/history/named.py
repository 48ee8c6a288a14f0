"""The streams that people name.

By a session's id, `account:ID`, `principal:NAME`, `audit:NAME`, or `hold:` before what is held.
"""

from uuid import UUID

from domain.ids import (
    AccountId,
    ChatSessionId,
    StreamId,
    account_stream,
    audit_stream,
    chat_session_stream,
    hold_stream,
    principal_stream,
)


def stream_named(name: str) -> StreamId:
    """The stream that a name means: also a session's UUID. `principal:` means strangers.

    Raises ValueError.
    """
    kind, colon, rest = name.partition(":")
    if kind == "account" and rest:
        return account_stream(AccountId(rest))
    if colon and rest.isprintable():
        if kind == "principal":
            return principal_stream(rest)
        if kind == "audit":
            return audit_stream(rest)
        if kind == "hold":
            return hold_stream(rest)
    if name.isascii() and name.isdigit():
        return chat_session_stream(ChatSessionId(int(name)))
    try:
        return StreamId(UUID(name))
    except ValueError:
        raise ValueError(
            f"{name!r} names no stream: give an AI session's id, a chat session's number, "
            "account:ID, or principal:NAME"
        ) from None
