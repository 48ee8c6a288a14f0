"""The embedded PostgreSQL starts in any directory, for several users, and ends with the last."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest
from support.embedded import ask, server

from app.database.embedded import EmbeddedUnavailable, ensure_running, running
from app.database.embedded_cluster import Cluster

CHECKOUT = Path(__file__).parents[2]

USER = """
import sys
from pathlib import Path
from app.database.embedded import running
with running(Path(sys.argv[1])) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


@contextmanager
def user(data_dir: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that uses the server, until the block ends."""
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", USER, str(data_dir)]
    with subprocess.Popen(
        command, cwd=CHECKOUT, stdin=pipe, stdout=pipe, text=True
    ) as process:  # ourselves
        yield process
        process.communicate()


def url_of(process: subprocess.Popen[str]) -> str:
    """What the user printed; waits until the server runs."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


async def test_an_empty_directory_becomes_a_durable_database_without_tcp(new_dir: Path) -> None:
    settings = (
        "SELECT array_agg(setting ORDER BY name) FROM pg_settings WHERE name IN"
        " ('data_checksums', 'fsync', 'full_page_writes', 'listen_addresses', 'synchronous_commit')"
    )
    text = "SELECT pg_encoding_to_char(encoding) || ' ' || datlocale FROM pg_database"
    with running(new_dir / "new") as url:
        assert await ask(url, settings) == ["on", "on", "on", "", "on"]
        assert await ask(url, f"{text} WHERE datname = 'sessionary'") == "UTF8 C.UTF-8"
        assert await ask(url, "SELECT current_setting('server_version_num')::int / 10000") == 18


async def test_the_last_of_two_users_stops_the_server(data_dir: Path) -> None:
    with running(data_dir) as first:
        with running(data_dir) as second:
            assert second == first
        assert await ask(first, "SELECT 1") == 1
    assert server(data_dir) == []


async def test_users_that_start_at_the_same_time_share_one_server(new_dir: Path) -> None:
    with user(new_dir) as one, user(new_dir) as other:
        assert await ask(url_of(one), "SELECT pg_backend_pid() > 0")
        assert await ask(url_of(other), "SELECT pg_backend_pid() > 0")
    assert server(new_dir) == []


def test_ctrl_c_in_the_terminal_does_not_reach_the_server(data_dir: Path) -> None:
    with running(data_dir):
        assert os.getsid(server(data_dir)[0].pid) != os.getsid(0)


async def test_a_killed_user_does_not_count(data_dir: Path) -> None:
    with user(data_dir) as killed:
        url = url_of(killed)
        killed.kill()
    left = server(data_dir)[0]
    assert await ask(url, "SELECT 1") == 1
    with running(data_dir):
        assert server(data_dir)[0] == left
    assert server(data_dir) == []


@pytest.mark.parametrize("name", ["deep/" * 40, "a,b 'c' \"$d`"], ids=["deep", "odd"])
async def test_any_directory_will_do(new_dir: Path, name: str) -> None:
    with running(new_dir / name) as url:
        assert await ask(url, "SELECT 1") == 1
    Cluster.at(new_dir / name).socket_dir.rmdir()


def test_a_server_that_cannot_start_says_why_and_where_its_log_is(data_dir: Path) -> None:
    with running(data_dir):
        version = Cluster.at(data_dir).files / "PG_VERSION"
    version.write_text("17\n")
    with pytest.raises(EmbeddedUnavailable, match="by PostgreSQL version 17") as refused:
        ensure_running(data_dir)
    version.write_text("18\n")
    assert str(Cluster.at(data_dir).log) in str(refused.value)


async def test_the_log_holds_no_values(data_dir: Path) -> None:
    with running(data_dir) as url:
        await ask(url, "CREATE TABLE person (name text PRIMARY KEY)")
        await ask(url, "INSERT INTO person VALUES ('Kim Canary')")
        with pytest.raises(asyncpg.UniqueViolationError):
            await ask(url, "INSERT INTO person VALUES ('Kim Canary')")
    log = Cluster.at(data_dir).log.read_text()
    assert "duplicate key" in log
    assert "Canary" not in log
