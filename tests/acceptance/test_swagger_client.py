"""npm's swagger-client, driven by our own description of the chat session API and the vendor's.

The script is in `clients/`.
"""

from pathlib import Path

import pytest
from documents import PUT_CHAT_SESSION

from acceptance.chats import Chats
from acceptance.node import node_project, run
from acceptance.official import FOLDER

PACKAGE = "swagger-client@3.39.0"
SCRIPT = "swagger_client.test.mjs"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the client, our scripts and the documented entity in it."""
    folder = node_project(tmp_path_factory.mktemp("swagger"), PACKAGE)
    (folder / "entity.json").write_bytes(PUT_CHAT_SESSION)
    return folder


def test_the_client_does_all_by_either_description(project: Path, chats: Chats) -> None:
    done = run(
        project,
        "node",
        "--test",
        SCRIPT,
        BASE_URL=chats.served.base_url,
        TOKEN=chats.tokens["admin"],
        OFFICIAL=str(FOLDER),
        SAMPLE=str(project / "entity.json"),
    )
    assert done.returncode == 0, done.stdout
