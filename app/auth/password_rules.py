"""Which passwords are taken: long ones that are neither the name nor what everybody takes."""

import string
from functools import cache
from itertools import pairwise
from pathlib import Path

from app.auth.roles import ROLES
from domain.errors import InvalidField

MIN_PASSWORD = 12
"""Characters; nothing is asked of their kinds."""
MAX_PASSWORD = 1_024
_LIST = Path(__file__).with_name("common_passwords.txt")
_LONGEST_PERIOD = 4
"""A text that repeats so few characters counts as common."""
_AROUND = string.digits + string.punctuation + string.whitespace
_STEPS = ({1}, {-1}, {0})


WORDS = (
    *sorted((role.casefold() for role in ROLES), key=len, reverse=True),
    *("sessionary", "servicestack", "superoffice", "password", "administrator", "session"),
)
"""Words that anybody who knows the service tries first; the longer ones come before their parts."""


class UnfitPassword(InvalidField):
    """A password that is not taken; the message says why and never repeats it."""

    def __init__(self, message: str) -> None:
        """`message`: the rule."""
        super().__init__("Password", message)


def require_fit(name: str, password: str) -> None:
    """Raise UnfitPassword unless a principal of this name may have this password."""
    if len(password) < MIN_PASSWORD:
        raise UnfitPassword(f"A password has at least {MIN_PASSWORD} characters")
    if len(password) > MAX_PASSWORD:
        raise UnfitPassword(f"A password has at most {MAX_PASSWORD} characters")
    try:
        password.encode()
    except UnicodeEncodeError:
        raise UnfitPassword("A password is text") from None
    if "\0" in password:
        raise UnfitPassword("A password holds no NUL")
    plain = password.casefold()
    if _is_little_but(name.casefold(), plain):
        raise UnfitPassword("A password is not the user's name")
    if _is_little_but_words(plain):
        raise UnfitPassword("A password is more than words that belong to this service")
    if is_common(plain):
        raise UnfitPassword("This password is among the most common ones: take another")


def is_common(password: str) -> bool:
    """Whether a password, in lower case, is on the list, or merely repeats or counts."""
    if any(_repeats(password, period) for period in range(1, _LONGEST_PERIOD + 1)):
        return True
    if {ord(b) - ord(a) for a, b in pairwise(password)} in _STEPS:
        return True
    # What is appended to satisfy other services' rules adds nothing.
    return password in _common() or password.strip(_AROUND) in _common()


def _repeats(text: str, period: int) -> bool:
    return all(text[i] == text[i - period] for i in range(period, len(text)))


def _is_little_but(name: str, password: str) -> bool:
    """Whether a password is a name, once or often, with hardly anything beside it."""
    if len(name) < 3:  # such a name is a part of many words
        return bool(name) and not password.replace(name, "")
    return name in password and len(password.replace(name, "")) < MIN_PASSWORD // 2


def _is_little_but_words(password: str) -> bool:
    """Whether hardly anything is left of a password without the WORDS."""
    rest = password
    for word in WORDS:
        rest = rest.replace(word, "")
    return rest != password and len(rest.strip(_AROUND)) < MIN_PASSWORD // 3


@cache
def _common() -> frozenset[str]:
    lines = _LIST.read_text().splitlines()
    return frozenset(line for line in lines if not line.startswith("# "))
