"""`psql`: the right program on the right socket, by the owner's login."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli.options import on_data

if TYPE_CHECKING:
    from app.maintenance.store import DataLocation


@click.command()
@click.argument("arguments", nargs=-1)
@on_data
def psql(where: "DataLocation", arguments: tuple[str, ...]) -> None:
    """Open psql on the database: `sessionary psql -- -c 'SELECT 1'` passes it arguments."""
    from app.database.programs import apart
    from app.maintenance.store import SchemaPermission, database

    program = _program(where.data_dir, embedded=where.embedded)
    with database(where, SchemaPermission.LOOK) as url:
        bare, password = apart(url)
        environment = os.environ | ({"PGPASSWORD": password} if password else {})
        ended = subprocess.run([program, bare, *arguments], env=environment, check=False)
    sys.exit(ended.returncode)


def _program(data_dir: Path, *, embedded: bool) -> str:
    """The path of psql: the embedded database's own, for any database if there is no other."""
    from app.database.embedded_cluster import Cluster

    found = None if embedded else shutil.which("psql")
    return found or str(Cluster.at(data_dir).programs / "psql")
