"""A command waits for no import that only another one needs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = frozenset(
    {"asyncio", "asyncpg", "cryptography", "granian", "lark", "litestar", "rich", "sqlalchemy"}
)
STORE = frozenset({"asyncio", "asyncpg", "cryptography"})
IMPORTED = re.compile(r"^import time:.*\|\s+([\w.]+)$", re.MULTILINE)


@pytest.mark.parametrize(
    ("typed", "may"),
    [
        ("--version", frozenset()),
        ("--help", frozenset()),
        ("serve --help", frozenset()),
        ("users add --help", frozenset()),
        ("replay 01a22697-53b8-761b-bd44-dcfb95b2b227", STORE | {"rich"}),
        ("users list", STORE | {"rich"}),
        ("verify", STORE | {"rich"}),
        ("migrate", STORE),
        ("serve", STORE | {"granian"}),  # only its workers import what they serve with
    ],
)
def test_a_command_imports_what_it_needs(typed: str, may: frozenset[str], tmp_path: Path) -> None:
    found = imported(run(typed, tmp_path))
    assert "click" in found
    assert found & HEAVY <= may


def test_serve_says_what_it_does_before_it_imports(tmp_path: Path) -> None:
    before, said, _ = run("serve", tmp_path).partition("Connecting to the database\n")
    assert said
    assert imported(before) & HEAVY == set()


def run(typed: str, data_dir: Path) -> str:
    """What a command that does not find its database says, and imports."""
    database = "postgresql://nobody@127.0.0.1:1/none"  # the port refuses: what follows is imported
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "app.cli.main", *typed.split()],
        env={"SESSIONARY_DATABASE_URL": database, "SESSIONARY_DATA_DIR": str(data_dir)},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode in (0, 3), ended.stderr[-1_000:]
    return ended.stderr


def imported(said: str) -> set[str]:
    """The packages whose modules were imported."""
    return {name.partition(".")[0] for name in IMPORTED.findall(said)}


def test_a_worker_serves_before_it_imports_what_only_lists_need() -> None:
    look = "import app.main, sys; assert 'sqlalchemy' not in sys.modules"
    then = "app.main.import_later(); assert 'sqlalchemy' in sys.modules"
    program = [sys.executable, "-c", f"{look}; {then}"]
    ended = subprocess.run(program, cwd=Path(__file__).parents[2], check=False)
    assert ended.returncode == 0
