"""Conditions of a command on a stream's version: If-Match and If-None-Match (RFC 9110, 13.1).

Both must hold; a command that either of them refuses has changed nothing.
"""

import re
from collections.abc import Container

from app.codecs.json_text import BadInput

_TAG = re.compile(rb'(?P<weak>W/)?(?P<quote>"?)(?P<version>[0-9]{1,18})(?P=quote)')
_ANY_VERSION = range(1, 2**63)


def versions(if_match: bytes | None) -> frozenset[int] | None:
    """The versions that If-Match names; None: any. Raises BadInput if it names no version."""
    if if_match is None or if_match.strip() == b"*":
        return None
    tags = [_TAG.fullmatch(tag.strip()) for tag in if_match.split(b",")]
    if None in tags:
        raise BadInput('If-Match takes a version in quotes, such as "3"', field="If-Match")
    # A weak tag promises less than a condition asks for: it never matches (RFC 9110, 13.1.1).
    return frozenset(int(tag["version"]) for tag in tags if tag is not None and not tag["weak"])


def unless_versions(if_none_match: bytes | None) -> Container[int]:
    """The versions at which a command is not carried out; foreign tags are ignored.

    Weak tags count as well (RFC 9110, 13.1.2), and `*` means every version.
    """
    if if_none_match is None:
        return ()
    tags = [tag.strip() for tag in if_none_match.split(b",")]
    if b"*" in tags:
        return _ANY_VERSION
    found = (_TAG.fullmatch(tag) for tag in tags)
    return frozenset(int(tag["version"]) for tag in found if tag is not None)
