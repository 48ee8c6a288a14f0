"""Texts in several languages, `US:"Vendor";GE:"Lieferant"`, by the vendor's codes of languages.

The codes are those of the vendor's lists (culturesolanguage, MapCultureToSuperOfficeLanguage). They
are neither codes of ISO nor of countries: `SW` is Swedish, `UK` Ukrainian, `CH` Swiss German.
Headers name languages by BCP 47, or by these codes. A language matches these codes in turn: the
vendor's code of the region, that of the language, that of another of its regions, ISO's own.

A text without any of the requested languages stays whole: nothing says which other one the reader
knows, and the vendor's pages document no order.
"""

import re

_TABLE = """
US en|NO no nb nn|SW sv|DA da|FI fi|FR fr|GE de|IT it|NL nl|SP es|PL pl|RU ru|CN zh|CZ cs|JP ja
UK uk|KO ko|VI vi|BR pt
"""
"""Each of the vendor's codes, with ISO's codes for the same language."""
_REGIONS = {"DE-CH": "CH", "GSW": "CH", "CH": "CH"}
"""Regions with a code of their own, all of German."""

_PART = r'([A-Za-z]{2})\s*+:\s*+"([^"]*)"'
# The pattern never backtracks: a text of blanks costs no more than any other.
_IN_MANY = re.compile(rf"\s*+{_PART}(?:\s*+[;,]?+\s*+{_PART})*+(?:\s*+[;,])?+\s*+")


def _by_name() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for entry in re.split(r"[|\n]", _TABLE.strip()):
        vendors, *isos = entry.upper().split()
        more = tuple(sorted(set(_REGIONS.values()))) if vendors == "GE" else ()
        for iso in isos:
            found[iso] = tuple(dict.fromkeys((vendors, *more, iso)))
        found[vendors] = found[isos[0]]
    for name, region in _REGIONS.items():
        found[name] = tuple(dict.fromkeys((region, *found["DE"])))
    return found


_CODES = _by_name()


def codes(ranges: list[str]) -> tuple[str, ...]:
    """The codes that texts may use for languages, best first; `ranges` come from headers."""
    found: list[str] = []
    for name in ranges:
        tag = name.upper().replace("_", "-")
        language, _, rest = tag.partition("-")
        region = "-".join([language, rest.rpartition("-")[2]])
        found += _CODES.get(region) or _CODES.get(language) or (language,)
    return tuple(dict.fromkeys(found))


def translated(text: str, languages: tuple[str, ...]) -> str:
    """The part of a multi-language text in the first matching language; other texts unchanged.

    Between its parts, a text may have a semicolon, a comma or nothing, as in the vendor's pages.
    """
    if '"' not in text or _IN_MANY.fullmatch(text) is None:
        return text
    texts = {code.upper(): part for code, part in re.findall(_PART, text)}
    return next((texts[code] for code in languages if code in texts), text)
