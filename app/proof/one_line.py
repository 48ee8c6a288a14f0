"""Lines of JSON that stay whole in programs which end a line at more signs than a line feed.

JSON escapes the control characters below U+0020 in its texts, and no others. But `str.splitlines`
and its like in other languages also end a line at U+0085, U+2028 and U+2029. Only the standard
library is imported: this is a part of the verifier that is handed out.
"""

import re

_ENDS = re.compile(rb"\xc2\x85|\xe2\x80[\xa8\xa9]")
_ESCAPES = re.compile(rb"\\(?:u(0085|2028|2029)|.)", re.DOTALL)


def one_line(text: bytes) -> bytes:
    """JSON on lines, with all that may end one escaped but line feeds; its values are the same."""
    return text if text.isascii() else _ENDS.sub(_escaped, text)


def as_encoded(line: bytes) -> bytes:
    """The text that `one_line` got, if that had no such escape."""
    # (Most lines have no backslash, which one byte tells ten times as fast as two do.)
    return _ESCAPES.sub(_unescaped, line) if b"\\" in line and b"\\u" in line else line


def _escaped(found: re.Match[bytes]) -> bytes:
    return b"\\u%04x" % ord(found[0].decode())


def _unescaped(found: re.Match[bytes]) -> bytes:
    return found[0] if found[1] is None else chr(int(found[1], 16)).encode()
