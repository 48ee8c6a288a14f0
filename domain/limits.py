"""How long and how large values may be. Each limit stands here once."""

from typing import Annotated

from msgspec import Meta

INT32 = Meta(ge=-(2**31), le=2**31 - 1)
Int32 = Annotated[int, INT32]

LONG_TEXT = Meta(max_length=65_536)
"""Of a free text, in characters. Nobody documents a limit; ours keeps what holds it one answer."""
Purpose = Annotated[str, LONG_TEXT]
ACCOUNT_ID_LENGTH = 64
ACCOUNT_ID_PATTERN = r"^(?!\.{1,2}\Z)[^/\x00-\x1f\x7f]*\Z"
"""Of the id of a new account, fit for a path."""
ACCOUNT_ID_RULE = "An id holds no slash and no control character, and is neither '.' nor '..'"
"""The pattern in words."""
AccountIdText = Annotated[
    str,
    # Told, but not checked here: a decoder would show the pattern to who broke it.
    Meta(
        min_length=1,
        max_length=ACCOUNT_ID_LENGTH,
        extra_json_schema={"pattern": ACCOUNT_ID_PATTERN},
    ),
]
RESERVED_ENDINGS = (".json", ".xml", ".jsv", ".csv", ".jsonl")
"""At the end of a path they name a format: no id of an account may end so."""
AccountReference = Annotated[str, Meta(max_length=ACCOUNT_ID_LENGTH)]
"""An account that somebody names, known or not."""
ACCOUNT_NAME_LENGTH = 255
AccountName = Annotated[str, Meta(min_length=1, max_length=ACCOUNT_NAME_LENGTH)]

PRINCIPAL_NAME_LENGTH = 255
"""Of the name of a new principal, which stands in keys of the log."""

CustomerAlias = Annotated[str, Meta(max_length=64)]
CustomerHost = Annotated[str, Meta(max_length=255)]
CustomerName = Annotated[str, Meta(max_length=255)]
CustomerEmail = Annotated[str, Meta(max_length=255)]
CustomerPhone = Annotated[str, Meta(max_length=32)]
CustomerCompanyName = Annotated[str, Meta(max_length=255)]
SessionKey = Annotated[str, Meta(max_length=255)]
MESSAGE_COPY_LENGTH = 1024
MessageCopy = Annotated[str, Meta(max_length=MESSAGE_COPY_LENGTH)]
"""A copy of a chat's first or last message."""
MessageText = Annotated[str, LONG_TEXT]
"""A message of a chat."""
MessageAuthor = Annotated[str, Meta(max_length=255)]
MessageParameter = Annotated[str, Meta(max_length=255)]
CARRIER_TEXT_LENGTH = 4_000
CarrierText = Annotated[str, Meta(max_length=CARRIER_TEXT_LENGTH)]
"""Any text in a carrier. SuperOffice documents none; ours is longer than its longest column."""
MAP_MEMBERS = 1_000
"""Of a map in a carrier, such as an agent's custom fields."""
LIST_ITEMS = 50
"""Of a list in a carrier: lines of an address, or parts of a line."""
FunctionName = Annotated[str, Meta(min_length=1, max_length=255)]
ActionText = Annotated[str, LONG_TEXT]
"""Arguments or description of an action that an AI back end proposes."""
ACTIONS_PER_SESSION = 200
"""Actions that wait in one session."""
ACTIONS_LENGTH = 1024 * 1024
"""Characters in the texts of all of them: each command on a session goes through them all."""
