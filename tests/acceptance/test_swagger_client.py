"""npm's swagger-client, driven by our own description of the chat session API and the vendor's.

The script is in `clients/`.
"""

import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.chat_service import Chats
from support.documents import PUT_CHAT_SESSION
from support.node import node_project, run
from support.official import FOLDER

PACKAGE = "swagger-client@3.39.0"
SCRIPT = "swagger_client.test.mjs"
PASSED = re.compile(r"\bpass [1-9]")
DESCRIPTIONS = ("own", "official")
"""What the names of the script's tests begin with."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the client, our scripts and the documented entity in it."""
    folder = node_project(tmp_path_factory.mktemp("swagger"), PACKAGE)
    (folder / "entity.json").write_bytes(PUT_CHAT_SESSION)
    return folder


def test_the_client_does_all_by_either_description(project: Path, chats: Chats) -> None:
    """Each in a process of its own: what takes long is to follow a description's references."""
    with ThreadPoolExecutor(len(DESCRIPTIONS)) as threads:
        ended = threads.map(lambda name: calls(project, chats, name), DESCRIPTIONS)
        for name, done in zip(DESCRIPTIONS, ended, strict=True):
            assert done.returncode == 0, done.stdout
            assert PASSED.search(done.stdout), f"nothing is tried by {name}:\n{done.stdout}"


def calls(project: Path, chats: Chats, description: str) -> subprocess.CompletedProcess[str]:
    """All that the script does by one description."""
    return run(
        project,
        "node",
        "--test",
        f"--test-name-pattern=^{description}:",
        SCRIPT,
        BASE_URL=chats.served.base_url,
        TOKEN=chats.tokens["admin"],
        OFFICIAL=str(FOLDER),
        SAMPLE=str(project / "entity.json"),
    )
