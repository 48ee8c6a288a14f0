"""ServiceStack's own client for JavaScript, as npm has it, with the types that the service gives.

The scripts in `clients/` are what Node runs. Node 18 or newer and npm have to be there, and npm's
registry (or its cache) within reach; without them these tests are skipped.
"""

import os
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from acceptance.conftest import AUDITOR
from acceptance.service_process import ADMIN, ServiceProcess

CLIENTS = Path(__file__).with_name("clients")
PACKAGES = ("@servicestack/client@2.1.13", "typescript@5.9.3", "@types/node@20.19.25")
INSTALL = ("install", "--prefer-offline", "--no-save", "--no-package-lock", "--ignore-scripts")
OLDEST = 18
PATIENCE_S = 120.0


@pytest.fixture(scope="session")
def node_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the client, a compiler and our scripts in it."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("needs Node and npm on the PATH (apt-get install nodejs npm)")
    version = run(Path(), node, "--version").stdout.strip()
    if int(version.removeprefix("v").partition(".")[0]) < OLDEST:
        pytest.skip(f"needs Node {OLDEST} or newer on the PATH, not {version}")
    folder = tmp_path_factory.mktemp("node")
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    installed = run(folder, npm, *INSTALL, *PACKAGES)
    if installed.returncode != 0:
        pytest.skip(f"needs npm to reach its registry once: {installed.stderr[-500:]}")
    for script in CLIENTS.iterdir():
        shutil.copy(script, folder)
    return folder


@pytest.fixture(scope="module")
def environment(served: ServiceProcess) -> dict[str, str]:
    """Where the service is, and who may call it."""
    return {
        "BASE_URL": served.base_url,
        "ADMIN": ADMIN[0],
        "ADMIN_PASSWORD": ADMIN[1],
        "AUDITOR": AUDITOR[0],
        "AUDITOR_PASSWORD": AUDITOR[1],
        "TOKEN": served.command("users", "token", ADMIN[0]).stdout.strip(),
    }


@pytest.fixture(scope="module")
def compiled(node_project: Path, served: ServiceProcess) -> Path:
    """The project with the TypeScript types in it, strictly checked and compiled."""
    (node_project / "dtos.ts").write_text(types(served, "typescript"))
    done = run(
        node_project,
        "node_modules/.bin/tsc",
        "--strict",
        "--target",
        "es2022",
        "--module",
        "nodenext",
        "--types",
        "node",
        "dtos.ts",
        "typed.ts",
    )
    assert done.returncode == 0, done.stdout
    return node_project


def types(served: ServiceProcess, language: str) -> str:
    """What `/types/{language}` gives."""
    answer = httpx.get(f"{served.base_url}/types/{language}")
    assert answer.status_code == 200, answer.text
    return answer.text


def run(folder: Path, *command: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a folder, and return when it ended; `more` of environment variables."""
    return subprocess.run(  # noqa: S603  # Node's programs
        command,
        cwd=folder,
        env=os.environ | more,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )


def test_the_client_does_all_with_the_types_for_typescript(
    compiled: Path, environment: dict[str, str]
) -> None:
    done = run(compiled, "node", "--test", "client.test.mjs", DTOS="./dtos.js", **environment)
    assert done.returncode == 0, done.stdout


def test_the_client_does_all_with_the_types_for_modules(
    node_project: Path, served: ServiceProcess, environment: dict[str, str]
) -> None:
    (node_project / "dtos.mjs").write_text(types(served, "mjs"))
    done = run(node_project, "node", "--test", "client.test.mjs", DTOS="./dtos.mjs", **environment)
    assert done.returncode == 0, done.stdout


def test_a_typed_program_is_compiled_and_runs(compiled: Path, environment: dict[str, str]) -> None:
    done = run(compiled, "node", "typed.js", **environment)
    assert done.stdout.strip() == "still typed, with a token", done.stderr
