"""Cookies: reads those of browsers and sloppier clients, writes such as both can read."""

import re

_VALUE = re.compile(r"[A-Za-z0-9_-]*")


def read(header: bytes | None) -> dict[str, str]:
    """Values by name of a Cookie header; of two with one name, the first counts.

    Other parts are skipped: some clients mistake the date in another server's Set-Cookie for a
    cookie and send it back.
    """
    cookies: dict[str, str] = {}
    for part in (header or b"").decode("latin-1").split(";"):
        name, equals, value = part.partition("=")
        if equals:
            cookies.setdefault(name.strip(), value.strip().strip('"'))
    return cookies


def write(
    name: str, value: str, *, max_age_s: int | None, secure: bool, for_scripts: bool = False
) -> tuple[bytes, bytes]:
    """The Set-Cookie header of a cookie that browsers do not send with other sites' forms.

    Scripts cannot read it, unless it is made `for_scripts`.

    `max_age_s`: None for as long as the browser runs, 0 to remove it. The header never has an
    Expires: its comma breaks the parser of ServiceStack's JavaScript client. Raises ValueError for
    a value with characters that could end it.
    """
    if _VALUE.fullmatch(value) is None:
        raise ValueError(f"{name} takes letters, digits, - and _ only")
    parts = [f"{name}={value}", "Path=/", *([] if for_scripts else ["HttpOnly"]), "SameSite=Lax"]
    if max_age_s is not None:
        parts.append(f"Max-Age={max_age_s}")
    if secure:
        parts.append("Secure")
    return (b"set-cookie", "; ".join(parts).encode())
