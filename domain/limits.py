"""The largest lengths and sizes of values. Each limit is written here once."""

from typing import Annotated

from msgspec import Meta

INT32 = Meta(ge=-(2**31), le=2**31 - 1)
Int32 = Annotated[int, INT32]

LONG_TEXT = Meta(max_length=65_536)
"""A free text, in characters. No API documents a limit; ours keeps each holder in one answer."""
Purpose = Annotated[str, LONG_TEXT]
ACCOUNT_ID_LENGTH = 64
ACCOUNT_ID_PATTERN = r"^(?!\.{1,2}\Z)[^/\x00-\x1f\x7f]*\Z"
"""An id of a new account, fit for a path."""
ACCOUNT_ID_RULE = "An id holds no slash and no control character, and is neither '.' nor '..'"
"""The pattern in words."""
AccountIdText = Annotated[
    str,
    # Documented but not enforced here: msgspec's error would echo the regex to the client.
    Meta(
        min_length=1,
        max_length=ACCOUNT_ID_LENGTH,
        extra_json_schema={"pattern": ACCOUNT_ID_PATTERN},
    ),
]
RESERVED_ENDINGS = (".json", ".xml", ".jsv", ".csv", ".jsonl", ".ndjson", ".html")
"""These name a format at the end of a path, so no account id may end with one."""
AccountReference = Annotated[str, Meta(max_length=ACCOUNT_ID_LENGTH)]
"""An account id in a request, known or not."""
ACCOUNT_NAME_LENGTH = 255
AccountName = Annotated[str, Meta(min_length=1, max_length=ACCOUNT_NAME_LENGTH)]

PRINCIPAL_NAME_LENGTH = 64
"""The name of a principal, in characters; it is part of keys of the log."""
TOKEN_LABEL_LENGTH = 64
"""What a token is for, in the words of who asks for it."""

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
"""A text in a carrier. SuperOffice documents no limit; ours exceeds its longest column."""
MAP_MEMBERS = 1_000
"""Members of a map in a carrier, such as an agent's custom fields."""
LIST_ITEMS = 50
"""Items of a list in a carrier: lines of an address, or parts of a line."""
FunctionName = Annotated[str, Meta(min_length=1, max_length=255)]
ActionText = Annotated[str, LONG_TEXT]
"""The arguments or the description of an action that an AI back end proposes."""
ACTIONS_PER_SESSION = 200
"""Actions that wait in one session."""
ACTIONS_LENGTH = 1024 * 1024
"""Characters in the texts of all waiting actions: each command on a session reads them all."""
