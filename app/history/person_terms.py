"""By what a person is found: e-mail addresses, phone numbers and names that an event holds.

They are hashed under the log's key before they are kept anywhere, like all terms.
"""

import re
from collections.abc import Callable, Iterator

from msgspec import UNSET, Struct

from app.history.terms import Terms, type_name
from app.log.audited import AuditedEvent
from domain.chat.events import ChatMessageAdded
from domain.event import Event, Subject
from projections.fold import Recorded

EMAIL, PHONE, NAME = "person email", "person phone", "person name"
MAX_CHARACTERS = 254
"""Of what is looked for, and so of a name that is found: an e-mail address has no more."""
_ADDRESS = re.compile(r"[^\s@<>()\[\]{},;:\"'|/\\]{1,64}@[^\s@<>()\[\]{},;:\"'|/\\]{1,190}")
_NUMBER = re.compile(r"\+?\(?\d[\d\s().\u2011-]{4,30}\d")
MIN_DIGITS, MAX_DIGITS = 6, 20
_SPACE = re.compile(r"\s+")
_NAMED = ("name", "alias", "author", "purpose")
"""Words in the names of fields whose whole text is a name; `purpose` may be one."""
_ERASED = ".personal_data_erased"
_PARTS = ("firstname", "lastname")


def erases(topic: str) -> bool:
    """Whether an event says that personal data of its stream is gone."""
    return type_name(topic).endswith(_ERASED)


def normal_email(text: str) -> str:
    """An e-mail address as it is compared: without regard to case."""
    return text.strip().rstrip(".").casefold()


def normal_phone(text: str) -> str:
    """The digits of a phone number, without the sign or zeros before its country."""
    digits = "".join(sign for sign in text if "0" <= sign <= "9")
    return digits.removeprefix("00")


def normal_name(text: str) -> str:
    """A name as it is compared: without regard to case and to the width of spaces."""
    return _SPACE.sub(" ", text).strip().casefold()


_NORMAL: dict[str, Callable[[str], str]] = {
    EMAIL: normal_email,
    PHONE: normal_phone,
    NAME: normal_name,
}


def person_term(terms: Terms, kind: str, text: str) -> int:
    """The term of what somebody looks for."""
    return terms.term(kind, _NORMAL[kind](text))


def terms_of_person(terms: Terms, event: AuditedEvent) -> set[int]:
    """The terms that an event adds to its stream; none of one that cannot be read."""
    if not isinstance(event.recorded, Recorded):
        return set()
    own = event.recorded.event
    return {terms.term(kind, value) for kind, value in held_by(own)}


def held_by(event: Event, subject: Subject | None = None) -> Iterator[tuple[str, str]]:
    """The addresses, numbers and names in the personal fields of an event, as compared.

    `subject`: whose fields are looked at; None: all. E-mail addresses and phone numbers are found
    within longer texts, too; names are whole fields.
    """
    fields, agents = type(event).personal - type(event).secret, event.of_agent()
    for field in fields:
        if subject is not None and (field in agents) != (subject == "agent"):
            continue
        yield from _held(field, getattr(event, field), is_text=_is_text(event, field))


def _is_text(event: Event, field: str) -> bool:
    """Whether a field is what somebody wrote, and so no name whatever its own name is."""
    return isinstance(event, ChatMessageAdded) and field != "author"


def _held(name: str, value: object, *, is_text: bool = False) -> Iterator[tuple[str, str]]:
    match value:
        case str():
            yield from _in_text(name, value, is_text=is_text)
        case Struct():
            yield from _whole_name(value)
            for member in value.__struct_fields__:
                yield from _held(member, getattr(value, member))
        case dict():
            for member, each in value.items():
                yield from _held("", member)
                yield from _held(str(member).lower(), each)
        case tuple() | list():
            for each in value:
                yield from _held(name, each)


def _in_text(name: str, text: str, *, is_text: bool) -> Iterator[tuple[str, str]]:
    if "@" in text:
        for found in _ADDRESS.findall(text):
            yield EMAIL, normal_email(found)
    for found in _NUMBER.findall(text):
        digits = normal_phone(found)
        if MIN_DIGITS <= len(digits) <= MAX_DIGITS:
            yield PHONE, digits
    may_be_name = not is_text and len(text) <= MAX_CHARACTERS
    if may_be_name and any(word in name for word in _NAMED) and (whole := normal_name(text)):
        yield NAME, whole


def _whole_name(carrier: Struct) -> Iterator[tuple[str, str]]:
    """The parts of a person's name together."""
    parts = [getattr(carrier, part, UNSET) for part in _PARTS]
    if all(isinstance(part, str) and part for part in parts):
        yield NAME, normal_name(" ".join(map(str, parts)))
