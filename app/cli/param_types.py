"""Types of options that click does not have."""

import math
import os
import re
from datetime import UTC, tzinfo
from pathlib import Path

import click

_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/?#@,]+/?", re.IGNORECASE)
_HOST = re.compile(r"\*|(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[?[0-9a-f:.]*:[0-9a-f:.]*\]?", re.I)
_ZONE = re.compile(r"[A-Za-z0-9_+-]{1,40}(/[A-Za-z0-9_+-]{1,40}){0,2}")
_LONGEST_TEXT = 500
_LAST_PORT = 65535
_LONGEST_S = 1e9
"""Some 30 years: subtracted from the present, this still gives a date."""


class Folder(click.Path):
    """A folder; an empty name, as from an unset shell variable, does not mean the present one."""

    def __init__(self) -> None:
        """The folder need not exist."""
        super().__init__(file_okay=False, path_type=Path)

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str | bytes | os.PathLike[str]:
        """Refuse an empty name."""
        if not os.fspath(value):
            self.fail("The name is empty", param, ctx)
        return super().convert(value, param, ctx)


class Seconds(click.FloatRange):
    """Seconds from 0 on that can be subtracted from a time; click's ranges let `nan` through."""

    def __init__(self, *, or_none: bool = True) -> None:
        """`or_none`: whether 0 is taken."""
        super().__init__(0, _LONGEST_S, min_open=not or_none)

    def convert(
        self, value: float, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Refuse a value that is not a number."""
        seconds = float(super().convert(value, param, ctx))
        if math.isnan(seconds):
            self.fail(f"{value} is no number", param, ctx)
        return seconds


class Origin(click.ParamType[str]):
    """The origin of a page, as a browser writes it."""

    name = "origin"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Refuse an origin that no browser would send."""
        if not _ORIGIN.fullmatch(value):
            self.fail(f"{value!r} is no origin such as https://app.example.com", param, ctx)
        return value


class Hosts(click.ParamType[tuple[str, ...]]):
    """Hosts as a Host header names them, without ports; several with commas between them."""

    name = "host"

    def convert(
        self,
        value: str | tuple[str, ...],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> tuple[str, ...]:
        """Refuse a host that no client would name."""
        hosts = (
            tuple(each.strip() for each in value.split(",")) if isinstance(value, str) else value
        )
        for host in hosts:
            if not _HOST.fullmatch(host):
                self.fail(
                    f"{host!r} is no host such as sessions.example.com, *.example.com, 192.0.2.1, "
                    "[2001:db8::1] or *; it has no scheme and no port",
                    param,
                    ctx,
                )
        return hosts


class HostPort(click.ParamType[tuple[str, int]]):
    """An address to listen on, and its port."""

    name = "address"

    def convert(
        self,
        value: str | tuple[str, int],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> tuple[str, int]:
        """Refuse an address without a port."""
        if not isinstance(value, str):
            return value
        host, _, port = value.rpartition(":")
        if not (_HOST.fullmatch(host) and "*" not in host and port.isascii() and port.isdecimal()):
            self.fail(f"{value!r} is not HOST:PORT, such as 127.0.0.1:8010", param, ctx)
        if not 0 < int(port[:6]) <= _LAST_PORT:
            self.fail(f"{port} is no port", param, ctx)
        return host.strip("[]"), int(port)


class Zone(click.ParamType[tzinfo]):
    """A time zone by its name."""

    name = "zone"

    def convert(
        self, value: str | tzinfo, param: click.Parameter | None, ctx: click.Context | None
    ) -> tzinfo:
        """Refuse a name that no zone has."""
        if isinstance(value, tzinfo):
            return value
        if value.upper() == "UTC":
            return UTC
        from zoneinfo import ZoneInfo

        if not _ZONE.fullmatch(value):
            self.fail(f"{value!r} is no time zone such as UTC or Europe/Oslo", param, ctx)
        try:
            return ZoneInfo(value)
        except (LookupError, ValueError, OSError):  # not found, or a folder
            self.fail(f"There is no time zone {value}", param, ctx)


class Text(click.ParamType[str]):
    """A text to look for: one that an event may hold."""

    name = "text"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Refuse a text that no event holds."""
        if not value.strip() or not value.isprintable() or len(value) > _LONGEST_TEXT:
            self.fail(
                f"It has 1 to {_LONGEST_TEXT} printable characters, unlike {ascii(value)[:60]}",
                param,
                ctx,
            )
        return value
