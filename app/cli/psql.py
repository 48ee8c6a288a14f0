"""`psql`: the right program on the right socket, by the owner's login."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit, urlunsplit

import click

from app.cli.options import on_data

if TYPE_CHECKING:
    from app.maintenance.store import DataLocation


@click.command()
@click.argument("arguments", nargs=-1)
@on_data
def psql(where: "DataLocation", arguments: tuple[str, ...]) -> None:
    """Open psql on the database: `sessionary psql -- -c 'SELECT 1'` passes it arguments."""
    from app.maintenance.store import SchemaPermission, database

    program = _program(where.data_dir, embedded=where.embedded)
    with database(where, SchemaPermission.LOOK) as url:
        bare, password = _apart(url)
        environment = os.environ | ({"PGPASSWORD": password} if password else {})
        ended = subprocess.run([program, bare, *arguments], env=environment, check=False)
    sys.exit(ended.returncode)


def _program(data_dir: Path, *, embedded: bool) -> str:
    """The path of psql: the embedded database's own, for any database if there is no other."""
    from app.database.embedded_cluster import Cluster

    found = None if embedded else shutil.which("psql")
    return found or str(Cluster.at(data_dir).programs / "psql")


def _apart(url: str) -> tuple[str, str | None]:
    """A URL without its password, which others on the machine could read in a list of processes."""
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    name, _, password = user.partition(":")
    kept, given = [], unquote(password) or None
    for each in filter(None, parts.query.split("&")):
        key, _, value = each.partition("=")
        if key.lower() == "password":
            given = unquote(value)
        else:
            kept.append(each)
    return urlunsplit(parts._replace(netloc=f"{name}{at}{host}", query="&".join(kept))), given
