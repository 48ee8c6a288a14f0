"""The time zone and languages in the headers of a request. Unknown values are ignored.

They affect reading and showing only, and never change stored values: a value that a client returns
as it was shown leaves the stored one unchanged.

SO-TimeZone is a code or number of SuperOffice, or a name of IANA, and `includeTZOffset`, in any
case and order, separated by commas. The documents disagree. The parameter's own text and the page
on time zones convert every date-time to the zone; a later statement of the vendor converts only
those of diaries. This API follows the former:

- Without the header, date-times are read and shown as stored.
- With a zone, those without an offset are read in that zone and stored in UTC; all are shown in
  that zone, without an offset.
- With `includeTZOffset`, they are shown with their offset: `+01:00`, and `Z` in UTC.

Accept-Language, by its weights, chooses among the texts of a multi-language value in a carrier, see
`languages`. SO-Language takes precedence over it. `*` and `x` leave the value whole, and so does a
language that the value lacks. SO-Culture concerns numbers and dates within texts, which do not
occur here.
"""

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib import resources
from typing import TypeVar
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from app.codecs.formats import accepted
from app.faces.superoffice.wire import languages, zones
from app.faces.superoffice.wire.members import Member, members
from domain.date_time import EMPTY, DateTime, is_set

S = TypeVar("S", bound=Struct)

HEADER_BYTES = 200
"""Limit of one header; a longer one is ignored."""

_ZONES = """
1 UTC UTC|36 AU-ACT Australia/Canberra|37 AU3 Australia/Broken_Hill|38 AU1 Australia/Lord_Howe
39 AU-NSW Australia/Sydney|40 AU-NT Australia/Darwin|41 AU-QLD Australia/Brisbane
42 AU-SA Australia/Adelaide|43 AU-TAS Australia/Hobart|44 AU-VIC Australia/Melbourne
45 AU-WA Australia/Perth|46 AT Europe/Vienna|50 BD Asia/Dhaka|53 BE Europe/Brussels
81 BR-RJ America/Sao_Paulo|96 CA-AB America/Edmonton|97 CA-BC America/Vancouver
98 CA-BC1 America/Dawson_Creek|99 CA-BC2 America/Vancouver|100 CA2 America/Goose_Bay
101 CA2A America/St_Johns|102 CA-MB America/Winnipeg|114 CA-QC America/Toronto
140 DK Europe/Copenhagen|156 FR Europe/Paris|261 NO Europe/Oslo|425 US-CA America/Los_Angeles
433 US-HI Pacific/Honolulu|460 US-NY America/New_York
"""
"""The documented numbers and codes of time zones, with their IANA names."""
_OFFSET = "includetzoffset"


class Locale(Struct, frozen=True, kw_only=True):
    """How date-times and multi-language texts are read, shown, and recognised on return."""

    zone: ZoneInfo | None = None
    tagged: bool = False
    """Whether date-times are shown with their offset."""
    languages: tuple[str, ...] = ()
    """The vendor's codes, upper case, best first; empty: texts stay whole."""

    def shown(self, carrier: S) -> S:
        """A carrier in the form to print."""
        changed: dict[str, object] = {}
        for member in members(type(carrier)).values():
            value = getattr(carrier, member.attribute)
            if isinstance(value, Struct):
                changed[member.attribute] = self.shown(value)
            elif isinstance(value, str):
                changed[member.attribute] = self._shown(value, member)
        return replace(carrier, **changed) if changed else carrier

    def kept(self, given: S, held: S) -> S:
        """The client's values, but the held ones wherever the client returned them as shown."""
        changed: dict[str, object] = {}
        for member in members(type(given)).values():
            new, old = getattr(given, member.attribute), getattr(held, member.attribute)
            if isinstance(new, Struct) and isinstance(old, Struct):
                changed[member.attribute] = self.kept(new, old)
            elif isinstance(new, str) and isinstance(old, str) and self.is_back(new, old, member):
                changed[member.attribute] = old
        return replace(given, **changed) if changed else given

    def is_back(self, given: str, held: str, member: Member) -> bool:
        """Whether a text that was read equals the held one, in its stored or its shown form.

        With a zone or offsets, date-times are compared as instants: clients return the shown ones
        in yet another form.
        """
        shown = self._shown(held, member)
        if not member.is_date:
            return given in (held, shown)
        if self.zone is None and not self.tagged:
            return given == held or (given == EMPTY and not is_set(DateTime(held)))
        # In the hour that a clock repeats, the shown text is read as another instant.
        read = shown if self.zone is None else zones.to_utc(shown, self.zone)
        return given == read or zones.same_instant(given, held)

    def _shown(self, held: str, member: Member) -> str:
        if member.is_date:
            return zones.to_zone(held, self.zone, tagged=self.tagged)
        return languages.translated(held, self.languages) if member.is_translated else held


AS_STORED = Locale()
"""The locale without any headers."""


def locale_of(headers: Mapping[bytes, bytes]) -> Locale | None:
    """The locale of the headers, by lower-case name; None: everything is shown as stored."""
    time_zone = headers.get(b"so-timezone", b"")
    language = headers.get(b"so-language") or headers.get(b"accept-language", b"")
    if not time_zone and not language:
        return None
    return _locale(_short(time_zone), _short(language))


@lru_cache(256)
def _locale(time_zone: bytes, language: bytes) -> Locale | None:
    asked = [part.strip() for part in time_zone.decode("latin-1").lower().split(",")]
    found = [zone for part in asked if part != _OFFSET and (zone := _zone(part))]
    locale = Locale(
        zone=found[0] if found else None,
        tagged=_OFFSET in asked,
        languages=_languages(language),
    )
    return None if locale == AS_STORED else locale


def _short(header: bytes) -> bytes:
    return b"" if len(header) > HEADER_BYTES else header


def _languages(header: bytes) -> tuple[str, ...]:
    asked = [name.upper() for name in accepted(header)]
    if not asked or asked[0] in ("*", "X"):
        return ()
    return languages.codes(asked)


def _zone(name: str) -> ZoneInfo | None:
    key = _zone_names().get(name)
    return None if key is None else ZoneInfo(key)


@cache
def _zone_names() -> dict[str, str]:
    """IANA's names, by every lower-case name or number that a client may use."""
    names = (resources.files("tzdata") / "zones").read_text().split()
    found = {name.lower(): name for name in names}
    for entry in re.split(r"[|\n]", _ZONES.strip()):
        number, code, name = entry.split()
        found |= {number: name, code.lower(): name}
    return found
