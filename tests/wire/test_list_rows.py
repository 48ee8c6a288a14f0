"""Links from one page of a list to the next can be followed by any client."""

from collections.abc import Sequence
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from app.codecs.form import MAX_URL_BYTES
from app.codecs.json_text import BadInput
from app.faces.superoffice.lists.rows import PATH, next_link

BASE = "https://host.example"
TOKEN = "WyIiLFs3XV0"


@pytest.mark.parametrize(
    "pairs",
    [
        [("$filter", f"chatSessionId oneOf ({','.join(map(str, range(1, 1_500)))})")],
        [("$select", "contact/name,person/fullName"), ("$orderBy", "contact/name desc")],
        [("$filter", "whenRequested after '2026-11-21T08:00:00Z' and text is 'it''s 5*%&#+=ø'")],
    ],
    ids=["numbers", "columns", "texts"],
)
def test_a_link_asks_for_the_same_list_and_arrives_as_it_is_written(
    pairs: Sequence[tuple[str, str]],
) -> None:
    link = next_link(BASE, pairs, TOKEN)
    assert parse_qsl(urlsplit(link).query) == [*pairs, ("$skiptoken", TOKEN)]
    assert BASE.encode() + httpx.URL(link).raw_path == link.encode()
    assert "'" not in link  # which browsers and Node would escape


def test_a_link_is_little_longer_than_a_query_that_stands_as_it_is() -> None:
    columns = "a/b,c:(d)*" * 100
    assert next_link(BASE, [("$filter", columns)], TOKEN) == (
        f"{BASE}{PATH}?$filter={columns}&$skiptoken={TOKEN}"
    )


def test_a_link_goes_on_from_its_own_page_only() -> None:
    pairs = [("$Skip", "10"), ("$top", "5"), ("$SkipToken", "before")]
    assert next_link(BASE, pairs, TOKEN) == f"{BASE}{PATH}?$top=5&$skiptoken={TOKEN}"


def test_a_link_that_would_not_be_read_is_not_given() -> None:
    around = len(f"{PATH}?$filter=&$skiptoken={TOKEN}")
    longest = next_link(BASE, [("$filter", "x" * (MAX_URL_BYTES - around))], TOKEN)
    assert len(longest) == len(BASE) + MAX_URL_BYTES
    with pytest.raises(BadInput, match="would have 8193 bytes, and 8192 are read at the most"):
        next_link(BASE, [("$filter", "x" * (MAX_URL_BYTES - around + 1))], TOKEN)
