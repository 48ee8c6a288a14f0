"""The names of followers: our own ones, and those that projections may have."""

import re

from app.history.followed import FOLLOWERS, own_follower
from projections.catalog import names_of_all_versions

OWN = FOLLOWERS
_NAME = re.compile("[a-z][a-z0-9_]{0,39}")
_SCHEMA_PREFIX = "projection_"


class UnknownFollower(Exception):
    """No follower has that name; the message names those that there are."""


class UnusableProjection(Exception):
    """What was named is no projection that can follow the log; the message says why."""


class UnusableName(UnusableProjection):
    """A projection cannot have that name; the message says which ones it can have."""


def checked(name: str) -> str:
    """A projection's name as that of a follower, in lower case. Raises UnusableName."""
    found = name.lower()
    if _NAME.fullmatch(found) is None or is_own(found):
        raise UnusableName(
            f"A projection cannot be called {name!r}: its name has letters, digits and _, begins "
            f"with a letter, has at most 40 of them, and is not {' or '.join(OWN)}"
        )
    return found


def is_own(name: str) -> bool:
    """Whether a follower is a part of the service."""
    return name in OWN or version_of(name) is not None


def version_of(name: str) -> str | None:
    """The version of a view whose history a follower keeps, and no other; None: it does not."""
    versions = names_of_all_versions()
    return next((each for each in versions if own_follower(each) == name), None)


def schema_of(follower: str) -> str:
    """The schema of a projection's tables; its name needs no quotes."""
    return f"{_SCHEMA_PREFIX}{follower}"
