"""Notices that the other end of a connection is gone without a word."""

import socket

import asyncpg

_QUIET_S = 2
"""Seconds of silence before the first probe of the other end."""
_ASKED = 3
"""Number of probes, one a second, before the connection is given up."""
_OPTIONS = {
    "TCP_KEEPIDLE": _QUIET_S,
    "TCP_KEEPINTVL": 1,
    "TCP_KEEPCNT": _ASKED,
    "TCP_USER_TIMEOUT": (_QUIET_S + _ASKED) * 1000,  # ms that sent data may stay unacknowledged
}


def notice_silence(connection: asyncpg.Connection) -> None:
    """Make a connection break some seconds after the network began to drop its packets.

    A server that is merely slow keeps its connection: its machine still answers the probes.
    """
    found = connection._transport.get_extra_info("socket")  # type: ignore[attr-defined]  # no other way
    if found is None or found.family not in (socket.AF_INET, socket.AF_INET6):
        return
    found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _OPTIONS.items():
        if hasattr(socket, name):  # not every system has all of them
            found.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
