"""Texts in several languages are shown in the best that a client asks for."""

import msgspec
import pytest
from support.located import MANY, shown

from app.faces.superoffice.wire.entity import read_entity
from app.faces.superoffice.wire.languages import translated
from app.faces.superoffice.wire.locale import locale_of
from domain.chat.carriers import Contact, Sale
from domain.chat.session import ChatSession


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({b"accept-language": b"nb-NO, en;q=0.5"}, "Kunde"),
        ({b"accept-language": b"fr,de,en"}, "Customer"),
        ({b"accept-language": b"nb", b"so-language": b"en"}, "Customer"),
        ({b"accept-language": b"nb", b"so-language": b"*"}, MANY),
        ({b"so-language": b"x"}, MANY),
        ({b"accept-language": b"sv"}, MANY),
        ({b"accept-language": b"xx, no"}, "Kunde"),
        ({b"accept-language": b"\xff;;,"}, MANY),
        ({b"accept-language": b"fr;q=0.1,en;q=0.9,no;q=1"}, "Kunde"),
        ({b"accept-language": b"*;q=0.1, en;q=0.5"}, "Customer"),
        ({b"accept-language": b"no;q=0, en;q=0.1"}, "Customer"),
        ({b"accept-language": b"no;q=0"}, MANY),
        ({}, MANY),
    ],
)
def test_a_multi_language_text_of_a_carrier_is_shown_in_the_best_language(
    headers: dict[bytes, bytes], expected: str
) -> None:
    state = ChatSession(sale=Sale(sale_type_name=MANY), customer_name=MANY)
    entity = shown(state, headers)
    assert entity["Sale"]["SaleTypeName"] == expected
    assert entity["CustomerName"] == MANY


LANGUAGES = {
    "US": ("en", "en-GB", "en-us; en-gb", "EN_us", "us"),
    "NO": ("no", "nb", "nn", "nb-NO", "nn-NO", "NO"),
    "SW": ("sv", "sv-SE", "sv-FI", "sw"),
    "DA": ("da", "da-DK"),
    "FI": ("fi", "fi-FI"),
    "FR": ("fr", "fr-CA", "fr-CH"),
    "GE": ("de", "de-AT", "de-DE", "de, en;q=0.8", "en;q=0.8, de", "ge"),
    "IT": ("it", "it-CH"),
    "NL": ("nl", "nl-BE"),
    "SP": ("es", "es-419", "sp"),
    "PL": ("pl",),
    "RU": ("ru", "ru-RU"),
    "CN": ("zh", "zh-CN", "zh-Hans-CN", "cn"),
    "CZ": ("cs", "cs-CZ", "cz"),
    "JP": ("ja", "ja-JP", "jp"),
    "UK": ("uk", "uk-UA", "UK"),
    "KO": ("ko", "ko-KR"),
    "VI": ("vi", "vi-VN"),
    "BR": ("pt", "pt-BR", "pt-PT", "br"),
    "CH": ("de-CH", "de_CH", "de-Latn-CH", "gsw", "gsw-CH", "ch"),
}
"""The vendor's codes, and what names the same languages in a header."""
IN_ALL = ";".join(f'{code}:"in {code}"' for code in LANGUAGES)


@pytest.mark.parametrize(
    ("code", "header"), [(code, each) for code, given in LANGUAGES.items() for each in given]
)
@pytest.mark.parametrize("name", [b"accept-language", b"so-language"])
def test_each_of_the_vendors_languages_is_found_by_its_names(
    name: bytes, code: str, header: str
) -> None:
    entity = shown(ChatSession(contact=Contact(category_name=IN_ALL)), {name: header.encode()})
    assert entity["Contact"]["CategoryName"] == f"in {code}"


@pytest.mark.parametrize(
    ("text", "header", "expected"),
    [
        ('US:"Vendor";GE:"Lieferant"', b"de-CH", "Lieferant"),
        ('US:"Vendor";CH:"Lieferant"', b"de", "Lieferant"),
        ('US:"Vendor";CH:"Zulieferer"', b"de-AT;q=0.9, en;q=0.3", "Zulieferer"),
        ('US:"Vendor";DE:"Lieferant"', b"de", "Lieferant"),
        ('US:"Vendor";SW:"Leverant\u00f6r"', b"de, sv;q=0.5, en;q=0.8", "Vendor"),
        ('US:"Vendor";IS:"Birgir"', b"is-IS, en", "Birgir"),
        ('US:"Vendor"GE:"Lieferant"NO:"x"', b"de", "Lieferant"),
        ('NO: "Bil", US: "Car"', b"en", "Car"),
        ('us:"Vendor"; ge:"Lieferant";', b"de", "Lieferant"),
        ('US:"Vendor";GE:"Lieferant"', b"el", 'US:"Vendor";GE:"Lieferant"'),
        ('US:"Vendor";GE:"Lieferant"', b"fr, *;q=0.1", 'US:"Vendor";GE:"Lieferant"'),
        ('US:"Vendor";GE:"Lieferant"', b"de;q=0, en;q=0.1", "Vendor"),
        ('US:"a; NO:";GE:"b"', b"no, en", "a; NO:"),
    ],
)
def test_of_several_languages_the_best_that_a_text_has_is_shown(
    text: str, header: bytes, expected: str
) -> None:
    held = ChatSession(contact=Contact(category_name=text))
    entity = shown(held, {b"accept-language": header})
    assert entity["Contact"]["CategoryName"] == expected
    locale = locale_of({b"accept-language": header})
    assert locale is not None
    back = read_entity(msgspec.json.encode(entity))
    assert locale.kept(back, held).contact == held.contact


@pytest.mark.parametrize("text", ["plain", 'a:"b"', 'NO:"a" and more', 'NO:"a', ""])
def test_what_is_no_multi_language_text_stays_whole(text: str) -> None:
    assert translated(text, ("NO", "A")) == text
