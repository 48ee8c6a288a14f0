"""`config`: every setting of the service, its value and where that comes from."""

import os
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import click
from click.core import ParameterSource

from app.cli.serve_command import serve

_SOURCES = {
    ParameterSource.COMMANDLINE: "option",
    ParameterSource.ENVIRONMENT: "environment",
    ParameterSource.DEFAULT: "default",
}
_OTHERS = ("SESSIONARY_ADMIN_PASSWORD", "PGPASSWORD")
"""Secrets that are no options."""


@click.command(
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    add_help_option=True,
)
@click.option("--output", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.pass_context
def config(context: click.Context, output: str) -> None:
    """The settings that `serve` would have with the same options; secrets are hidden."""
    from app.cli.output import print_json, print_table

    found = list(_settings(context))
    if output == "json":
        rows = [
            dict(zip(("name", "value", "source", "variable"), row, strict=True)) for row in found
        ]
        print_json({"settings": rows})
    else:
        print_table(["setting", "value", "from", "variable"], found)


def _settings(context: click.Context) -> Iterator[tuple[str, str, str, str]]:
    with serve.make_context("serve", list(context.args), parent=context) as parsed:
        for each in serve.params:
            if not isinstance(each, click.Option) or each.name in (None, "help"):
                continue
            source = parsed.get_parameter_source(each.name) if each.name else None
            word = _SOURCES.get(source, "default") if source else "default"
            value = _shown(parsed.params.get(each.name or ""))
            yield each.opts[0], value, word, str(each.envvar or "")
    for name in _OTHERS:
        if os.environ.get(name):
            yield name, "(hidden)", "environment", name


def _shown(value: object) -> str:
    match value:
        case None | () | frozenset():
            return ""
        case tuple() | list():
            return " ".join(map(_shown, value))
        case bool():
            return "yes" if value else "no"
        case str() if "://" in value:
            return _without_password(value)
        case _:
            return str(value)


def _without_password(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(not a URL)"
    user, at, host = parts.netloc.rpartition("@")
    name, colon, _ = user.partition(":")
    query = "&".join(
        "password=(hidden)" if each.lower().startswith("password=") else each
        for each in parts.query.split("&")
    )
    hidden = f"{name}{':(hidden)' if colon else ''}{at}{host}"
    return urlunsplit(parts._replace(netloc=hidden, query=query))
