"""The containers of compose.yaml: each has what it needs, those that serve no owner's login."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

ROOT = Path(__file__).parents[2]


def read(name: str) -> dict[str, Any]:
    """What a file says; Compose's own tags stand before lists that say the same without them."""
    said = (ROOT / name).read_text().replace("!reset ", "")
    return msgspec.yaml.decode(said, type=dict[str, Any])


COMPOSE, PROXY = read("compose.yaml"), read(".compose/proxy.yaml")
CONTAINERS = COMPOSE["services"] | {"proxy": PROXY["services"]["proxy"]}


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_container_has_no_more_than_it_needs(name: str) -> None:
    container = CONTAINERS[name]
    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert "cap_add" not in container
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert {"mem_limit", "pids_limit"} <= set(container)
    assert "privileged" not in container


def test_no_container_that_is_reached_has_the_owners_login() -> None:
    holders = {
        name for name, container in CONTAINERS.items() if "owner-password" in container["secrets"]
    }
    assert holders == {"migrate", "operate", "db"}
    assert [name for name in holders if CONTAINERS[name].get("ports")] == []
    assert {tuple(CONTAINERS[name]["networks"]) for name in holders} == {("back",)}
    assert CONTAINERS["migrate"]["restart"] == "no"
    assert "SESSIONARY_OWNER_URL" not in CONTAINERS["sessionary"]["environment"]
    assert COMPOSE["networks"]["back"] == {"internal": True}


def test_the_proxy_is_the_only_way_in_when_it_is_there() -> None:
    service = PROXY["services"]["sessionary"]
    assert service["ports"] == []
    assert service["environment"]["SESSIONARY_BEHIND_PROXY"] == "true"
    said = (ROOT / ".compose/nginx.conf").read_text()
    for limit in ("limit_conn ", "limit_req zone=requests", "limit_req zone=sign_ins"):
        assert limit in said


def test_each_secret_is_made_by_the_line_that_the_file_tells_to_type() -> None:
    typed = (ROOT / "compose.yaml").read_text().partition("for name in ")[2].partition(";")[0]
    assert set(typed.split()) == set(COMPOSE["secrets"])
