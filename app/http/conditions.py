"""Conditions of a request: on a stream's version, and on what its answer must show at least.

If-Match and If-None-Match (RFC 9110, 13.1) must both hold; a command that either of them refuses
has changed nothing.
"""

import re
from collections.abc import Container, Mapping

from app.codecs.json_text import BadInput
from app.settings import MAX_PARTITIONS

_TAG = re.compile(rb'(?P<weak>W/)?(?P<quote>"?)(?P<version>[0-9]{1,18})(?P=quote)')
_SEEN = re.compile(rb"\s*([0-9]{1,4}):([0-9]{1,18})\s*")
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


def seen(log_position: bytes | None) -> Mapping[int, int]:
    """The positions by partition that X-Log-Position names (`0:17,1:5`), as answers to commands do.

    One that cannot be read names none: then the answer shows no less than the primary does.
    """
    if log_position is None:
        return {}
    found = [_SEEN.fullmatch(each) for each in log_position.split(b",")]
    places = [(int(each[1]), int(each[2])) for each in found if each is not None]
    if len(places) < len(found) or any(partition >= MAX_PARTITIONS for partition, _ in places):
        return {}
    return {partition: max(p for n, p in places if n == partition) for partition, _ in places}
