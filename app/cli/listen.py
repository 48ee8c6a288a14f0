"""Where `serve` listens: a free address, by TLS or within the machine, with files that fit."""

import errno
import ipaddress
import socket
import ssl
import time
from pathlib import Path

import click
import psutil
from msgspec import Struct

from app.maintenance.secret_file import UnusableFile, require_unshared
from app.maintenance.store import NotReachable

_PORT_PATIENCE_S = 5.0
"""Seconds to wait for the port: if a service is killed, its starting workers hold it briefly."""


class Tls(Struct, frozen=True):
    """The files of a certificate, with its chain, and of its key."""

    cert: Path
    key: Path


class Listen(Struct, frozen=True, kw_only=True):
    """The address to serve on, how, and the number of worker processes."""

    host: str
    port: int
    workers: int
    tls: Tls | None = None
    behind_proxy: bool = False
    allow_plain_http: bool = False
    allowed_hosts: frozenset[str] = frozenset()
    drain_delay_s: float = 0.0
    """Seconds from SIGTERM until the port closes, in which readiness is red."""

    @property
    def url(self) -> str:
        """The URL that a person on this machine may call."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'http' if self.tls is None else 'https'}://{host}:{self.port}"


def hosts(address: str, listen: Listen) -> frozenset[str]:
    """The hosts to answer for: those that were named, else the address that is listened on.

    Without an address of its own, a service listens on all addresses of the machine.
    """
    if listen.allowed_hosts:
        return listen.allowed_hosts
    if not ipaddress.ip_address(address.partition("%")[0]).is_unspecified:
        return frozenset({listen.host, address})
    found = (each for interface in psutil.net_if_addrs().values() for each in interface)
    families = (socket.AF_INET, socket.AF_INET6)
    return frozenset(each.address.partition("%")[0] for each in found if each.family in families)


def tls(cert: Path | None, key: Path | None) -> Tls | None:
    """The files for TLS; None without any. Raises click.UsageError, or UnusableFile."""
    if cert is None and key is None:
        return None
    if cert is None or key is None:
        missing = "--tls-cert" if cert is None else "--tls-key"
        raise click.UsageError(f"TLS needs a certificate and its key: {missing} is missing")
    for path in (cert, key):
        _require_readable(path)
    require_unshared(key)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, _no_password)
    except (OSError, ValueError) as error:
        raise UnusableFile(_why(error, cert, key)) from error
    return Tls(cert.resolve(), key.resolve())


def _require_readable(path: Path) -> None:
    try:
        path.read_bytes()
    except OSError as error:
        raise UnusableFile(f"The file for TLS cannot be read: {error}") from error


def _no_password() -> str:
    raise ValueError("encrypted")


def _why(error: Exception, cert: Path, key: Path) -> str:
    if isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH":
        return f"The key in {key} is not the one of the certificate in {cert}"
    if str(error) == "encrypted":
        return f"The key in {key} has a password: --tls-key takes a file without one, of mode 600"
    return f"{cert} and {key} hold no certificate and its key in PEM: {error}"


def free_address(listen: Listen) -> str:
    """The address that a host's name resolves to, once its port is free.

    The server shares its port among workers (SO_REUSEPORT), and would share it with a stranger.
    Raises NotReachable, or click.UsageError where passwords would cross a network in the clear.
    """
    deadline = time.monotonic() + _PORT_PATIENCE_S
    while True:
        try:
            family, kind, _, _, address = socket.getaddrinfo(
                listen.host, listen.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            _require_safe_line(str(address[0]), listen)
            with socket.socket(family, kind) as probe:
                # Waiting connections of a former service do not block the port.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
            return str(address[0])
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise NotReachable(
                    f"Cannot listen on {listen.host}, port {listen.port}: {error.strerror}"
                ) from error
            time.sleep(0.1)


def _require_safe_line(address: str, listen: Listen) -> None:
    is_safe = listen.tls is not None or listen.behind_proxy or listen.allow_plain_http
    if not is_safe and not ipaddress.ip_address(address.partition("%")[0]).is_loopback:
        raise click.UsageError(
            f"On {listen.host}, other machines would send passwords and personal data in the "
            "clear. Give --tls-cert and --tls-key; or --behind-proxy, where a proxy that speaks "
            "TLS is the only way in; or --allow-plain-http, where the network itself is private"
        )
