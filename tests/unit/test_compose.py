"""The containers of compose.yaml, and of the files over it: each has what it needs, those that
serve no owner's login, and none a password that stands in a file of the repository.
"""

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import click
import msgspec
import pytest

from app.cli.main import main

ROOT = Path(__file__).parents[2]
BASE = "compose.yaml"
OVER = {name: f".compose/{name}.yaml" for name in ("proxy", "patroni", "citus")}
Containers = dict[str, dict[str, Any]]


@cache
def read(name: str) -> dict[str, Any]:
    """What a file says; Compose's own tags stand before values that say the same without them."""
    said = re.sub("!(reset|override)", "", (ROOT / name).read_text())
    return msgspec.yaml.decode(said, type=dict[str, Any])


def composed(*names: str) -> Containers:
    """The containers of several files, the later ones over the earlier."""
    containers: Containers = {}
    for name in names:
        for container, given in read(name)["services"].items():
            if given is None:
                del containers[container]
                continue
            source = given.get("extends", {"file": BASE, "service": None})
            under = containers.get(container) or read(source["file"])["services"].get(
                source["service"], {}
            )
            settings = {**under.get("environment", {}), **given.get("environment", {})}
            containers[container] = {**under, **given, "environment": settings}
    return containers


PATRONI, PROXY = read(OVER["patroni"]), read(OVER["proxy"])
ALONE = composed(BASE)
STACKS = {
    "alone": ALONE,
    "proxy": composed(BASE, OVER["proxy"]),
    "patroni": composed(BASE, OVER["patroni"]),
    "citus": composed(BASE, OVER["citus"]),
}
SERVERS = {
    "alone": {"db"}, "proxy": {"db"}, "patroni": {"db1", "db2", "db3"},
    "citus": {"db", "worker1", "worker2"},
}  # fmt: skip
ALL = [
    pytest.param(container, id=f"{stack}-{name}")
    for stack, containers in STACKS.items()
    for name, container in containers.items()
]
every_stack = pytest.mark.parametrize("stack", STACKS)


@pytest.mark.parametrize("container", ALL)
def test_a_container_has_no_more_than_it_needs(container: dict[str, Any]) -> None:
    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert "cap_add" not in container
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert {"mem_limit", "pids_limit"} <= set(container)
    assert "privileged" not in container


@every_stack
def test_no_container_that_is_reached_has_the_owners_login(stack: str) -> None:
    containers = STACKS[stack]
    holders = {
        name
        for name, container in containers.items()
        if "owner-password" in container.get("secrets", [])
    }
    assert holders == {"migrate", "operate"} | SERVERS[stack] | (containers.keys() & {"nodes"})
    assert [name for name in holders if containers[name].get("ports")] == []
    assert {each for name in holders for each in containers[name]["networks"]} <= {"back", "quorum"}
    assert containers["migrate"]["restart"] == "no"
    assert "SESSIONARY_OWNER_URL" not in containers["sessionary"]["environment"]
    assert read(BASE)["networks"]["back"] == {"internal": True}


@every_stack
def test_no_password_stands_in_a_file(stack: str) -> None:
    for name, container in STACKS[stack].items():
        for variable, value in container["environment"].items():
            assert "PASSWORD" not in variable or variable.endswith("_FILE"), name
            assert urlsplit(str(value)).password is None, name


@every_stack
def test_each_setting_is_one_that_the_containers_command_takes(stack: str) -> None:
    for container in STACKS[stack].values():
        given = {name for name in container["environment"] if name.startswith("SESSIONARY_")}
        if given:
            name, *arguments = container.get("command", ["sessionary", "serve"])[1:]
            command = main.commands[name]
            assert given <= {str(option.envvar) for option in command.params}
            arguments = [each.partition(":-")[2].rstrip("}") or each for each in arguments]
            with click.Context(main) as over:
                command.make_context(name, arguments, over, resilient_parsing=False)


@every_stack
def test_the_urls_name_all_servers_that_may_be_the_primary(stack: str) -> None:
    primaries = {"db"} if stack != "patroni" else SERVERS[stack]
    for container in STACKS[stack].values():
        for name in ("SESSIONARY_OWNER_URL", "SESSIONARY_DATABASE_URL"):
            if url := container["environment"].get(name):
                parts = urlsplit(url)
                assert set(parts.netloc.rpartition("@")[2].split(",")) == primaries
                asked = {"target_session_attrs": ["read-write"]} if len(primaries) > 1 else {}
                assert parse_qs(parts.query) == asked


def test_the_proxy_is_the_only_way_in_when_it_is_there() -> None:
    service = PROXY["services"]["sessionary"]
    assert service["ports"] == []
    assert service["environment"]["SESSIONARY_BEHIND_PROXY"] == "true"
    said = (ROOT / ".compose/nginx.conf").read_text()
    for limit in ("limit_conn ", "limit_req zone=requests", "limit_req zone=sign_ins"):
        assert limit in said


@pytest.mark.parametrize("name", [BASE, OVER["patroni"]])
def test_each_secret_is_made_by_the_lines_that_the_file_tells_to_type(name: str) -> None:
    said = (ROOT / name).read_text()
    for secret, given in read(name)["secrets"].items():
        assert given == {"file": f".secrets/{secret}"}
        listed = said.partition("for name in ")[2].partition(";")[0].split()
        assert secret in listed or f"base64 > .secrets/{secret};" in said


def test_only_the_servers_reach_what_could_change_them() -> None:
    """Who may write to etcd or to Patroni says which programs the servers run."""
    inside = {name for name, each in STACKS["patroni"].items() if "quorum" in each["networks"]}
    assert inside == SERVERS["patroni"] | {"etcd1", "etcd2", "etcd3"}
    assert PATRONI["networks"]["quorum"] == {"internal": True}
    for name in SERVERS["patroni"]:
        server = PATRONI["services"][name]
        (alias,) = server["networks"]["quorum"]["aliases"]
        assert server["environment"]["PATRONI_RESTAPI_LISTEN"] == f"{alias}:8008"


def test_patroni_promotes_no_server_that_lacks_what_was_acknowledged() -> None:
    file = PATRONI["configs"]["patroni"]["file"]
    said = read(file)
    dynamic = said["bootstrap"]["dcs"]
    assert dynamic["synchronous_mode"] is True
    assert dynamic["synchronous_mode_strict"] is True
    assert dynamic["postgresql"]["use_pg_rewind"] is True
    # Else Patroni shortens the pauses by itself.
    assert dynamic["ttl"] >= dynamic["loop_wait"] + 2 * dynamic["retry_timeout"]
    assert {host.partition(":")[0] for host in said["etcd3"]["hosts"]} <= set(PATRONI["services"])
    owner = urlsplit(STACKS["patroni"]["migrate"]["environment"]["SESSIONARY_OWNER_URL"])
    assert said["postgresql"]["authentication"]["superuser"] == {"username": owner.username}
    assert f"CREATE DATABASE {owner.path[1:]}" in said["bootstrap"]["post_init"]
    assert not [line for line in said["postgresql"]["pg_hba"] if "scram-sha-256" not in line]


def test_patroni_does_not_start_without_its_passwords() -> None:
    started = subprocess.run(
        ["sh", ROOT / ".compose/patroni/start"], capture_output=True, text=True, check=False
    )
    assert started.returncode == 2
    assert "The secret owner-password is empty or missing" in started.stderr


def test_patroni_in_the_image_is_the_one_that_the_tests_use() -> None:
    installed = (ROOT / ".compose/patroni/requirements.txt").read_text()
    (pinned,) = re.findall('"(patroni==.+)"', (ROOT / "pyproject.toml").read_text())
    assert f"\n{pinned} " in installed


def test_citus_is_told_each_worker_that_there_is() -> None:
    containers = STACKS["citus"]
    script = containers["nodes"]["entrypoint"][-1]
    workers = SERVERS["citus"] - {"db"}
    told = [line.partition(" in ")[2].partition(";")[0] for line in script.splitlines()]
    assert [set(each.split()) for each in told if each] == [{"db"} | workers, workers]
    assert containers["migrate"]["depends_on"] == {
        "nodes": {"condition": "service_completed_successfully"}
    }
    assert {containers[name]["image"].partition(":?")[0] for name in SERVERS["citus"]} == {
        "${CITUS_IMAGE"
    }


@pytest.mark.skipif(
    shutil.which("docker") is None
    or subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode
    != 0,
    reason="Docker's Compose is not installed",
)
@pytest.mark.parametrize("names", [[], ["proxy"], ["patroni"], ["citus"], ["patroni", "proxy"]])
def test_compose_takes_the_files(names: list[str]) -> None:
    files = [f"--file={name}" for name in (BASE, *(OVER[name] for name in names))]
    said = subprocess.run(
        ["docker", "compose", *files, "config", "--format=json"],
        cwd=ROOT, env={"PATH": "/usr/bin:/bin:/usr/local/bin", "CITUS_IMAGE": "citus"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    services = msgspec.json.decode(said.stdout)["services"]
    assert services.keys() == composed(BASE, *(OVER[name] for name in names)).keys()
