"""The minor releases of PostgreSQL that closed known holes: the only place where they stand.

Looked up on 2026-11-29. A hole is one of security, or a bug that corrupts data or indexes. Sources:
the release notes of 18.7 and 15.20 (2026-11-12) and of 18.6 (2026-08-13; there is no 18.5) at
postgresql.org/docs; the announcements of 18.4 (2026-05-14, news 3297) and of 18.2 (news 3235); what
distributors say of 15.19, 16.15 and 17.11, and that there is a 16.16.
A row for a new release is added here when its notes are out.
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct


class Fix(Struct, frozen=True):
    """A minor release, and the holes that the ones before it have."""

    minor: int
    holes: str


_NOVEMBER = "bugs that corrupt indexes"
_AUGUST = "CVE-2026-6471 and other security issues"
_MAY = "11 security issues, of CVE-2026-6472 to CVE-2026-6638"
_SINCE = "what the next minor release has fixed since"
_FEBRUARY = "CVE-2026-2003 to CVE-2026-2007"
FIXES: Mapping[int, Sequence[Fix]] = {
    18: (Fix(2, _FEBRUARY), Fix(4, _MAY), Fix(6, _AUGUST), Fix(7, _NOVEMBER)),
    17: (Fix(8, _FEBRUARY), Fix(10, _MAY), Fix(11, _AUGUST)),
    16: (Fix(12, _FEBRUARY), Fix(14, _MAY), Fix(15, _AUGUST), Fix(16, _SINCE)),
    15: (Fix(16, _FEBRUARY), Fix(18, _MAY), Fix(19, _AUGUST), Fix(20, _NOVEMBER)),
}
"""By major version, oldest first."""


def holes(major: int, minor: int) -> tuple[str, int] | None:
    """The known holes of a release, in words, and the first minor release without them.

    None: none is known here.
    """
    open_ones = [fix for fix in FIXES.get(major, ()) if minor < fix.minor]
    if not open_ones:
        return None
    return ", ".join(fix.holes for fix in open_ones), open_ones[-1].minor
