"""What XML is written in: marks, charsets and declarations, and lies about them."""

import codecs
from xml.sax.saxutils import quoteattr

import pytest
from support.xml_refused import refusal

from app.codecs.json_text import BadInput
from app.codecs.xml_text import read


@pytest.mark.parametrize(
    "body",
    [
        "<R><A>é</A></R>".encode(),
        "\ufeff<R><A>é</A></R>".encode(),
        "<?xml version='1.0' encoding='UTF-8' standalone='yes'?><R><A>é</A></R>".encode(),
        "<R><A>é</A></R>".encode("utf-16"),
        '\ufeff<?xml version="1.0" encoding="utf-16"?><R><A>é</A></R>'.encode("utf-16-be"),
        '\ufeff<?xml version="1.0" encoding="UTF-16"?><R><A>é</A></R>'.encode("utf-16-le"),
    ],
    ids=["UTF-8", "with a mark", "declared", "UTF-16", "big end", "little end"],
)
def test_utf_8_and_marked_utf_16_are_read(body: bytes) -> None:
    assert read(body) == ("R", {"A": "\xe9"})


def declared(encoding: str) -> str:
    return f"<?xml version='1.0' encoding={quoteattr(encoding)}?><R><A>e</A></R>"


@pytest.mark.parametrize(
    "body",
    [
        declared("utf-16").encode(),
        declared("iso-8859-1").replace("<A>e", "<A>é").encode("latin-1"),
        declared("utf-7").encode(),
        declared("utf-32").encode(),
        declared("rot13").encode(),
        declared("no-such-encoding").encode(),
        declared("").encode(),
        declared("utf-16").encode("utf-16-le"),
        declared("utf-32").encode("utf-32"),
        b"<R>\xe9</R>",
        b"<R>\xc0\x80</R>",
        b"<R>\xed\xa0\x80</R>",
        "<R/>".encode("utf-16")[:-1],
        "<R>".encode("utf-16") + b"\x00\xd8" + "</R>".encode("utf-16-le"),
        "<R>\0</R>".encode("utf-16"),
        b"\x4c\x6f\xa7\x94",
    ],
    ids=["UTF-16 that is UTF-8", "Latin-1", "UTF-7", "declared UTF-32",
         "rot13", "unknown", "empty", "UTF-16 without mark", "UTF-32", "Latin-1 byte", "overlong",
         "surrogate", "half a character", "half a pair", "NUL in UTF-16", "EBCDIC"],
)  # fmt: skip
def test_other_encodings_and_lies_about_them_are_refused(body: bytes) -> None:
    assert "only UTF-8, and UTF-16 with a byte order mark, are read" in refusal(body)


ACCENTED = b"<R><A>\xc3\xa9</A></R>"
LATIN = b"<?xml version='1.0' encoding='iso-8859-1'?>"
WIDE = b'<?xml version="1.0" encoding="utf-16"?>'


@pytest.mark.parametrize(
    ("body", "charset"),
    [
        (WIDE + ACCENTED, "utf-8"),
        (WIDE + ACCENTED, "utf8"),
        (LATIN + ACCENTED, "utf-8"),
        (codecs.BOM_UTF8 + LATIN + ACCENTED, ""),
        (codecs.BOM_UTF8 + WIDE + ACCENTED, "utf-16"),
        ((LATIN + ACCENTED).decode().encode("utf-16"), "utf-8"),
        ((LATIN + ACCENTED).decode().encode("utf-16"), ""),
        (b"<?xml version='1.0' encoding='UTF8'?>" + ACCENTED, ""),
        (b"<?xml version='1.0' encoding = 'Utf_8' ?>" + ACCENTED, ""),
        (ACCENTED, "utf-8"),
    ],
    ids=["charset over UTF-16", "another spelling", "charset over Latin-1", "mark over Latin-1",
         "mark over both", "wide mark over both", "wide mark over a declaration",
         "spelled UTF8", "spelled utf_8", "nothing declared"],
)  # fmt: skip
def test_a_mark_goes_before_the_charset_and_that_before_a_declaration(
    body: bytes, charset: str
) -> None:
    assert read(body, charset) == ("R", {"A": "\xe9"})


@pytest.mark.parametrize(
    ("body", "charset"),
    [
        (b"<R>\xe9</R>", "utf-8"),
        (LATIN + b"<R>\xe9</R>", "utf-8"),
        (codecs.BOM_UTF8 + b"<R>\xe9</R>", ""),
        (ACCENTED, "us-ascii"),
        (ACCENTED, "utf-16"),
        (b"<?xml version='1.0' encoding='us-ascii'?>" + ACCENTED, ""),
    ],
    ids=["charset", "charset over Latin-1", "mark", "ASCII", "UTF-16", "declared ASCII"],
)
def test_bytes_that_are_not_in_what_they_are_said_to_be_in_are_refused(
    body: bytes, charset: str
) -> None:
    with pytest.raises(BadInput, match="only UTF-8, and UTF-16"):
        read(body, charset)
