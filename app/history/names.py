"""The names of fields as the API knows them that a session belongs to: `purpose`, `CustomerName`.

Only few are not the state's own names in the API's case; these are listed here.
"""

from collections.abc import Mapping
from functools import cache

from msgspec import Struct

from domain.account import Account, AccountCreated
from domain.ai_session import AISessionActionProposed, SessionAction
from domain.chat.events import ChatMessageAdded
from domain.principal.state import Token
from projections.catalog import CURRENT

_PASCAL_KINDS = frozenset({"chat_session"})
"""Kinds whose API spells its fields in PascalCase; the others do so in camelCase."""
_OTHERWISE: Mapping[type[Struct], Mapping[str, str]] = {
    Account: {"account_id": "id"},
    AccountCreated: {"account_id": "id"},
    SessionAction: {"action_id": "id", "proposed_at": "date"},
    AISessionActionProposed: {"proposed_at": "date"},
    ChatMessageAdded: {"message_id": "ChatMessageId"},
    Token: {"token_id": "id"},
}
"""Names in the API, by type and own name, that differ in more than their case."""


def api_name(kind: str, holder: type[Struct], attribute: str) -> str:
    """The API's name of a field of a state or event; `kind`: of the stream."""
    return _OTHERWISE.get(holder, {}).get(attribute) or cased(kind, attribute)


def cased(kind: str, attribute: str) -> str:
    """An own name in the case of the API."""
    words = attribute.split("_")
    if kind in _PASCAL_KINDS:
        return "".join(word[:1].upper() + word[1:] for word in words)
    return words[0] + "".join(word[:1].upper() + word[1:] for word in words[1:])


@cache
def fields_of(kind: str) -> Mapping[str, str]:
    """The API's names of the fields of a kind's state, by own name, in the order of the state.

    None for a kind that only a damaged log has.
    """
    if kind not in CURRENT:
        return {}
    state = CURRENT[kind].state
    return {name: api_name(kind, state, name) for name in state.__struct_fields__}


def field_named(kind: str, text: str) -> str | None:
    """The own name of the field that a text names in the API, in any case; None: no such field."""
    return _by_lower_case(kind).get(text.lower())


@cache
def all_fields() -> Mapping[str, str]:
    """The own names of all kinds' fields, by the API's names in lower case."""
    return {lower: own for kind in CURRENT for lower, own in _by_lower_case(kind).items()}


@cache
def shown_fields() -> frozenset[str]:
    """The API's names of all kinds' fields."""
    return frozenset(name for kind in CURRENT for name in fields_of(kind).values())


@cache
def _by_lower_case(kind: str) -> Mapping[str, str]:
    return {name.lower(): own for own, name in fields_of(kind).items()}
