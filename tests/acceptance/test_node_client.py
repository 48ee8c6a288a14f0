"""ServiceStack's own client for JavaScript, as npm has it, with the types that the service gives.

The scripts in `clients/` are what Node runs.
"""

from pathlib import Path

import httpx
import pytest
from support.node import node_project, run
from support.patience import patient
from support.service_process import ADMIN, ServiceProcess
from support.users import token_of

from acceptance.conftest import AUDITOR

PACKAGES = ("@servicestack/client@2.1.13", "typescript@5.9.3", "@types/node@20.19.25")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the client, a compiler and our scripts in it."""
    return node_project(tmp_path_factory.mktemp("node"), *PACKAGES)


@pytest.fixture(scope="module")
def environment(served: ServiceProcess) -> dict[str, str]:
    """Where the service is, and who may call it."""
    return {
        "BASE_URL": served.base_url,
        "ADMIN": ADMIN[0],
        "ADMIN_PASSWORD": ADMIN[1],
        "AUDITOR": AUDITOR[0],
        "AUDITOR_PASSWORD": AUDITOR[1],
        "TOKEN": token_of(served, ADMIN[0]),
    }


@pytest.fixture(scope="module")
def compiled(project: Path, served: ServiceProcess) -> Path:
    """The project with the TypeScript types in it, strictly checked and compiled."""
    (project / "dtos.ts").write_text(types(served, "typescript"))
    done = run(
        project,
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
    return project


def types(served: ServiceProcess, language: str) -> str:
    """What `/types/{language}` gives."""
    answer = httpx.get(f"{served.base_url}/types/{language}", timeout=patient(60.0))
    assert answer.status_code == 200, answer.text
    return answer.text


def test_the_client_does_all_with_the_types_for_typescript(
    compiled: Path, environment: dict[str, str]
) -> None:
    done = run(compiled, "node", "--test", "client.test.mjs", DTOS="./dtos.js", **environment)
    assert done.returncode == 0, done.stdout


def test_the_client_does_all_with_the_types_for_modules(
    project: Path, served: ServiceProcess, environment: dict[str, str]
) -> None:
    (project / "dtos.mjs").write_text(types(served, "mjs"))
    done = run(project, "node", "--test", "client.test.mjs", DTOS="./dtos.mjs", **environment)
    assert done.returncode == 0, done.stdout


def test_a_typed_program_is_compiled_and_runs(compiled: Path, environment: dict[str, str]) -> None:
    done = run(compiled, "node", "typed.js", **environment)
    assert done.stdout.strip() == "still typed, with a token", done.stderr
