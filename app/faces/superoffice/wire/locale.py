"""What the headers of a request say of time zones and languages. Odd values say nothing.

They say how things are read and shown, and change nothing that is stored: what a client gives back
as it was shown is what there is.

SO-TimeZone: a code or number of SuperOffice's, or a name of IANA's, and `includeTZOffset`, in any
case and order, with commas between. The documents disagree: the parameter's own text and the page
on time zones convert every date-time to the zone, a later word of the vendor only those of
diaries. The documents that this API follows are the former:

- Without the header, date-times are read and shown as they are stored.
- With a zone, those without an offset are read as of that zone and stored in UTC; all are shown in
  that zone, without an offset.
- With `includeTZOffset`, they are shown with their offset: `+01:00`, and `Z` in UTC.

Accept-Language, by its weights, and SO-Language, which goes before it, choose among the texts of a
multi-language value in a carrier, see `languages`; `*` and `x` leave it whole, and so does a
language that it lacks. SO-Culture is about numbers and dates within texts, of which there
are none here.
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
"""Of one header; a longer one says nothing."""

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
"""The documented numbers and codes of time zones, with IANA's names."""
_OFFSET = "includetzoffset"


class Locale(Struct, frozen=True, kw_only=True):
    """How date-times and multi-language texts are read, shown, and known when they come back."""

    zone: ZoneInfo | None = None
    tagged: bool = False
    """Whether date-times are shown with their offset."""
    languages: tuple[str, ...] = ()
    """The vendor's codes, upper case, best first; empty: texts stay whole."""

    def shown(self, carrier: S) -> S:
        """A carrier as it is to be printed."""
        changed: dict[str, object] = {}
        for member in members(type(carrier)).values():
            value = getattr(carrier, member.attribute)
            if isinstance(value, Struct):
                changed[member.attribute] = self.shown(value)
            elif isinstance(value, str):
                changed[member.attribute] = self._shown(value, member)
        return replace(carrier, **changed) if changed else carrier

    def kept(self, given: S, held: S) -> S:
        """What a client gives, with what is held wherever that was given back as it was shown."""
        changed: dict[str, object] = {}
        for member in members(type(given)).values():
            new, old = getattr(given, member.attribute), getattr(held, member.attribute)
            if isinstance(new, Struct) and isinstance(old, Struct):
                changed[member.attribute] = self.kept(new, old)
            elif isinstance(new, str) and isinstance(old, str) and self.is_back(new, old, member):
                changed[member.attribute] = old
        return replace(given, **changed) if changed else given

    def is_back(self, given: str, held: str, member: Member) -> bool:
        """Whether a text that was read is the held one, as it is stored or as it was shown.

        Where a zone or offsets are asked for, a date-time is an instant: clients write what they
        were shown in yet another form.
        """
        shown = self._shown(held, member)
        if not member.is_date:
            return given in (held, shown)
        if self.zone is None and not self.tagged:
            return given == held or (given == EMPTY and not is_set(DateTime(held)))
        # In the hour that a clock goes through twice, what was shown is read as another instant.
        read = shown if self.zone is None else zones.to_utc(shown, self.zone)
        return given == read or zones.same_instant(given, held)

    def _shown(self, held: str, member: Member) -> str:
        if member.is_date:
            return zones.to_zone(held, self.zone, tagged=self.tagged)
        return languages.translated(held, self.languages) if member.is_translated else held


AS_STORED = Locale()
"""What no header asks for."""


def locale_of(headers: Mapping[bytes, bytes]) -> Locale | None:
    """What the headers, by lower-case name, ask for; None: everything is shown as it is stored."""
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
    """IANA's names by all that a client may write in their place, lower case."""
    names = (resources.files("tzdata") / "zones").read_text().split()
    found = {name.lower(): name for name in names}
    for entry in re.split(r"[|\n]", _ZONES.strip()):
        number, code, name = entry.split()
        found |= {number: name, code.lower(): name}
    return found
