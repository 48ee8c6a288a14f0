"""The Host header: its syntax, and the hosts that a service answers for.

A page can have its own name lead to this machine (DNS rebinding), and so make a browser call the
service. And links in answers repeat the Host. So a service answers for the names it is known by.
"""

import ipaddress
import re
from collections.abc import Iterable

from app.codecs.json_text import BadInput

_REMEMBERED = 1_024
"""Spellings of allowed hosts that are remembered, at most: a wildcard allows many."""
_LOCAL = "localhost"


class Misdirected(Exception):
    """The Host header names a host that the service does not answer for."""

    def __init__(self) -> None:
        """The message does not repeat the host."""
        super().__init__(
            "The service does not answer for the host that the Host header names: its operator "
            "names its hosts by --allowed-hosts"
        )


class AllowedHosts(dict[bytes, None]):
    """The hosts that a service answers for: `hosts[header]` raises for all others.

    A look-up of a header that was allowed before costs no more than one in a dict.
    """

    def __init__(self, allowed: Iterable[str]) -> None:
        """`allowed`: names or addresses without a port, `*.example.com` for all names below, `*`.

        The names of the machine for itself are always allowed: no page can have them.
        """
        super().__init__()
        names = [host_of(each) for each in allowed]
        self._all = "*" in names
        self._names = frozenset(names)
        self._below = tuple(name[1:] for name in names if name.startswith("*."))

    def __missing__(self, header: bytes) -> None:
        """Allow a header, and remember it. Raises BadInput if it is no host, or Misdirected."""
        if not _is_host(header):
            raise BadInput("The Host header names no host", field="Host")
        if not self._all and not self._allows(host_of(_PORT.sub("", header.decode("latin-1")))):
            raise Misdirected
        if len(self) >= _REMEMBERED:
            self.clear()
        self[header] = None

    def _allows(self, host: str) -> bool:
        return host in self._names or host.endswith(self._below) or is_own(host)


def host_of(text: str) -> str:
    """A name or an address in its usual spelling, without the brackets of IPv6."""
    plain = text.strip().lower().removesuffix(".").removeprefix("[").removesuffix("]")
    try:
        return str(ipaddress.ip_address(plain))
    except ValueError:
        return plain


def is_own(host: str) -> bool:
    """Whether a host in its usual spelling is this machine for itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == _LOCAL


# Links repeat the Host: it may hold only the characters of an authority (RFC 3986, 3.2).
_is_host = re.compile(
    rb"(?=.{1,300}\Z)"
    rb"(?:(?:[0-9A-Za-z!$&'()*+,;=\-._~]++|%[0-9A-Fa-f]{2})++|\[[0-9A-Za-z:.]+\])"
    rb"(?::[0-9]*)?"
).fullmatch
_PORT = re.compile(r":[0-9]*\Z")
ANY_HOST = AllowedHosts(["*"])
"""For probes, which call by the address of the moment, and show nothing."""
