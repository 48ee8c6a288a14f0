"""Lines of JSON stay whole, whatever somebody ends lines at, and are read back as they were."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.proof.one_line import as_encoded, one_line

ENDS = ["\u0085", "\u2028", "\u2029", "\n", "\r", "\v", "\f", "\x1c", "\x1d", "\x1e"]
TEXTS = st.lists(st.sampled_from([*ENDS, "\\", '"', "u", "2028", "\u2027", "\x84", "a"]))


@given(TEXTS.map("".join))
def test_a_value_is_one_line_and_stays_the_same(text: str) -> None:
    encoded = json.dumps(text, ensure_ascii=False).encode()
    line = one_line(encoded)
    assert line.decode().splitlines() == [line.decode()]
    assert json.loads(line) == text
    assert as_encoded(line) == encoded


@pytest.mark.parametrize("text", ['"\\\\u2028"', '"\\\\\\\\u2028"', '"\\u2027"', '"\\u0041"'])
def test_what_was_written_like_an_escape_stays(text: str) -> None:
    assert as_encoded(one_line(text.encode())) == text.encode()
