"""The board for Grafana and the rules for Prometheus: they load, and each alert is explained."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import promql_parser
import pytest
from click.testing import CliRunner

from app.cli.main import main

ROOT = Path(__file__).parents[2]
RUNBOOK = (ROOT / "app/cli/README.md").read_text().partition("## When an alert fires")[2]


def printed(what: str) -> str:
    ended = CliRunner().invoke(main, ["metrics", what])
    assert ended.exit_code == 0, ended.stderr
    return ended.stdout


BOARD: Mapping[str, Any] = json.loads(printed("board"))
RULES = msgspec.yaml.decode(printed("alerts"))["groups"][0]["rules"]


def targets() -> Iterator[Mapping[str, Any]]:
    for panel in BOARD["panels"]:
        yield from panel["targets"]


def queries() -> list[str]:
    on_board = [each["expr"].replace("$__rate_interval", "5m") for each in targets()]
    return [*on_board, *(rule["expr"] for rule in RULES)]


@pytest.mark.parametrize("query", queries())
def test_every_query_is_promql(query: str) -> None:
    promql_parser.parse(query)


def test_what_is_no_promql_is_told() -> None:
    with pytest.raises(ValueError, match="unclosed"):
        promql_parser.parse("sum by (le (x)")


def test_the_board_is_one_that_grafana_imports() -> None:
    assert BOARD["schemaVersion"] >= 36
    assert (BOARD["uid"], BOARD["title"]) == ("sessionary", "Sessionary")
    (source,) = BOARD["templating"]["list"]
    assert (source["type"], source["query"]) == ("datasource", "prometheus")
    ids = [panel["id"] for panel in BOARD["panels"]]
    assert len(ids) == len(set(ids)) > 10
    places = [tuple(panel["gridPos"].values()) for panel in BOARD["panels"]]
    assert len(places) == len(set(places))
    for panel in BOARD["panels"]:
        assert panel["gridPos"].keys() == {"x", "y", "w", "h"}
        assert panel["title"]
        assert panel["datasource"]["uid"] == f"${{{source['name']}}}"
        references = [each["refId"] for each in panel["targets"]]
        assert len(references) == len(set(references)) > 0


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_alert_says_how_bad_it_is_and_has_a_paragraph_on_what_to_do(
    rule: Mapping[str, Any],
) -> None:
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["runbook"] == rule["alert"]
    paragraph = re.search(rf"^\*\*{rule['alert']}\.\*\* (.+?)(?:\n\n|\Z)", RUNBOOK, re.S | re.M)
    assert paragraph is not None
    assert len(paragraph[1].split()) > 20


def test_no_paragraph_is_about_an_alert_that_is_not_there() -> None:
    explained = re.findall(r"^\*\*(\w+)\.\*\*", RUNBOOK, re.M)
    assert explained == [rule["alert"] for rule in RULES]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_prometheus_own_tool_takes_the_rules(tmp_path: Path) -> None:
    file = tmp_path / "alerts.yml"
    file.write_text(printed("alerts"))
    subprocess.run(["promtool", "check", "rules", str(file)], check=True)


def test_nothing_of_opentelemetry_is_imported_unless_asked_for() -> None:
    looks = "import sys, app.main; print([n for n in sys.modules if n.startswith('opentelemetry')])"
    said = subprocess.run(
        [sys.executable, "-c", looks], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert said.stdout == "[]\n"
