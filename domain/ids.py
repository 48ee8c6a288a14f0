"""The ids of sessions and accounts, and the stream of each. Nothing here draws a new id."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NewType
from uuid import UUID, uuid5

AISessionId = NewType("AISessionId", str)
"""The text of a UUIDv7, as the ServiceStack-style API shows it."""
ChatSessionId = NewType("ChatSessionId", int)
"""An int32 from 1, as the SuperOffice-style API shows it."""
ChatMessageId = NewType("ChatMessageId", int)
"""An int32 from 1; within a session, a later message has a larger id."""
AccountId = NewType("AccountId", str)
StreamId = NewType("StreamId", UUID)

# Drawn once at random, and fixed for ever: stream names are derived from it.
_NAMESPACE = UUID("6f1d5c9e-3b0a-4d6e-9a57-1c2f8e7b4d03")

# Others, so that the id of no session or account can be that of a principal, or of what it saw.
_PRINCIPALS = UUID("e29ea0fb-142f-4055-a6e3-43041eb986ed")
_AUDITS = UUID("545f88ac-e5d7-4067-8a5a-a5f0ba3e1923")

_HOLDS = UUID("c7f5b7d4-3b52-4f0e-9a43-6f0f0b7f2a91")
"""Of what is on hold: a hold's stream is beside that of the session."""

_DRAWN = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}").fullmatch


def ai_session_stream(session: AISessionId, uuid: Callable[[str], UUID] = UUID) -> StreamId | None:
    """The stream of an AI session: the id itself. None if the text is not a canonical UUIDv7.

    Only the spelling that the service hands out names a session, so that one session has one URL.
    Other streams have derived ids (UUIDv5), which never name an AI session. `uuid` makes a UUID
    from its text.
    """
    return StreamId(uuid(session)) if _DRAWN(session) else None


@lru_cache(10_000)
def chat_session_stream(session: ChatSessionId) -> StreamId:
    """The stream of a chat session, derived from its number."""
    return StreamId(uuid5(_NAMESPACE, f"chat_session:{session}"))


def account_stream(account: AccountId) -> StreamId:
    """The stream of an account, derived from its id."""
    return StreamId(uuid5(_NAMESPACE, f"account:{account}"))


def principal_stream(name: str) -> StreamId:
    """The stream of a principal, derived from its name."""
    return StreamId(uuid5(_PRINCIPALS, name))


def audit_stream(auditor: str) -> StreamId:
    """The stream of what an auditor saw, derived from the auditor's name."""
    return StreamId(uuid5(_AUDITS, auditor))


def hold_stream(target: str) -> StreamId:
    """The stream of the hold on a session or an account, derived from its name."""
    return StreamId(uuid5(_HOLDS, target))


def partition_of(stream: StreamId, partitions: int) -> int:
    """The partition that keeps a stream: 0 to `partitions` - 1, the same in every release."""
    # The low bits are random in a UUIDv7 and a hash in a UUIDv5: both spread evenly.
    return stream.int % partitions
