"""Cookies that the documented clients send are read, and those that are set harm nobody."""

import pytest

from app.http.cookies import read, write


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, {}),
        (b"", {}),
        (b"ss-id=abc; ss-pid=def", {"ss-id": "abc", "ss-pid": "def"}),
        (b"ss-id=abc;ss-pid=def;", {"ss-id": "abc", "ss-pid": "def"}),
        (
            b"ss-id=abc; ss-pid=def; 21 Nov 2046 09:00:00 GMT=null",
            {"ss-id": "abc", "ss-pid": "def", "21 Nov 2046 09:00:00 GMT": "null"},
        ),
        (b"nothing; =; ;; ss-id = abc ", {"": "", "ss-id": "abc"}),
        (b'ss-id="abc"', {"ss-id": "abc"}),
        (b"ss-id=a=b", {"ss-id": "a=b"}),
        (b"ss-id=first; ss-id=second", {"ss-id": "first"}),
        (b"ss-id=\xff\x00", {"ss-id": "\xff\x00"}),
    ],
    ids=[
        "none", "empty", "evov", "no spaces", "the JavaScript client", "junk", "quoted",
        "an equals sign", "twice", "no text",
    ],
)  # fmt: skip
def test_cookies_are_read_whatever_stands_among_them(
    header: bytes | None, expected: dict[str, str]
) -> None:
    assert read(header) == expected


@pytest.mark.parametrize(
    ("max_age_s", "secure", "expected"),
    [
        (None, False, b"ss-id=abc; Path=/; HttpOnly; SameSite=Lax"),
        (60, False, b"ss-id=abc; Path=/; HttpOnly; SameSite=Lax; Max-Age=60"),
        (0, True, b"ss-id=abc; Path=/; HttpOnly; SameSite=Lax; Max-Age=0; Secure"),
    ],
    ids=["of a session", "for a minute", "removed, over https"],
)
def test_a_cookie_is_kept_from_scripts_and_strangers(
    max_age_s: int | None, secure: bool, expected: bytes
) -> None:
    assert write("ss-id", "abc", max_age_s=max_age_s, secure=secure) == (b"set-cookie", expected)


@pytest.mark.parametrize("value", ["a;b", "a\r\nset-cookie: x=y", "a,b", "a b", "é"])
def test_a_cookie_holds_nothing_but_its_value(value: str) -> None:
    with pytest.raises(ValueError, match="letters"):
        write("ss-id", value, max_age_s=None, secure=False)
