"""The vendor's own client for JavaScript, as npm has it, by clocks of several zones.

The script is in `clients/`.
"""

from pathlib import Path

import pytest
from support.chat_service import Chats
from support.node import node_project, run

PACKAGE = "@superoffice/webapi@12.4.1514"
ZONES = ("UTC", "America/New_York", "Europe/Oslo", "Asia/Kolkata", "Asia/Manila", "America/Juneau")
"""The last two were further from UTC than any zone is now, before there were zones."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the client and our scripts in it."""
    return node_project(tmp_path_factory.mktemp("superoffice"), PACKAGE)


@pytest.mark.parametrize("zone", ZONES)
def test_the_client_does_all_whatever_its_clock_shows(
    project: Path, chats: Chats, zone: str
) -> None:
    done = run(
        project,
        "node",
        "--test",
        "superoffice.test.mjs",
        BASE_URL=chats.served.base_url,
        TOKEN=chats.tokens["admin"],
        TZ=zone,
    )
    assert done.returncode == 0, done.stdout
