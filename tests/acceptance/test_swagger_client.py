"""npm's swagger-client, driven by our own description of the chat session API and the vendor's.

The script is in `clients/`. Node 18 or newer and npm have to be there, and npm's registry (or its
cache) within reach; without them this test is skipped.
"""

import shutil
from pathlib import Path

import pytest
from documents import PUT_CHAT_SESSION

from acceptance.chats import Chats
from acceptance.official import FOLDER
from acceptance.test_node_client import CLIENTS, INSTALL, OLDEST, run

PACKAGE = "swagger-client@3.39.0"
SCRIPT = "swagger_client.test.mjs"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the client, our script and the documented entity in it."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("needs Node and npm on the PATH (apt-get install nodejs npm)")
    version = run(Path(), node, "--version").stdout.strip()
    if int(version.removeprefix("v").partition(".")[0]) < OLDEST:
        pytest.skip(f"needs Node {OLDEST} or newer on the PATH, not {version}")
    folder = tmp_path_factory.mktemp("swagger")
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    installed = run(folder, npm, *INSTALL, PACKAGE)
    if installed.returncode != 0:
        pytest.skip(f"needs npm to reach its registry once: {installed.stderr[-500:]}")
    shutil.copy(CLIENTS / SCRIPT, folder)
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
