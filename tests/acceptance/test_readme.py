"""README and texts beside the code: what they tell to type works, what they name is there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.patience import patient
from support.service_process import service

from app.database.session import SESSION
from app.settings import Settings

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
DATABASE = ROOT / "app/database/README.md"
TEXTS = [
    *ROOT.glob("*.md"), *ROOT.glob(".github/*.md"), *ROOT.glob("app/**/*.md"),
    *ROOT.glob("migrations/*.md"), *ROOT.glob("tests/**/*.md"),
]  # fmt: skip
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
PLACE = re.compile(r"`((?:app|domain|projections|migrations|tests)/[\w./]+)`")
TRIED = re.compile(r"`((?:unit|wire|integration|acceptance|faults|support)/\w+)`")
"""A module of tests, as the page of tests names it."""
MAX_LINES = 150
CONVERSATION = re.compile(r"<!-- conversation -->(.*)<!-- end of conversation -->", re.DOTALL)
BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)


def typed() -> str:
    """All that the README tells to type, as one script."""
    found = CONVERSATION.search(README.read_text())
    assert found is not None
    return "\n".join(BLOCK.findall(found[1]))


def test_the_first_conversation_goes_as_the_readme_says(tmp_path: Path) -> None:
    with service(password="three green lamps", anew=True) as served:
        script = typed().replace("http://127.0.0.1:8000", served.base_url)
        said = subprocess.run(  # our own README
            ["/bin/bash", "-euo", "pipefail", "-O", "expand_aliases"],
            input=script.replace("uv run sessionary", "sessionary"),
            cwd=tmp_path,
            env={
                **os.environ,
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "SESSIONARY_DATA_DIR": str(served.data_dir),
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=patient(120),
        )
        assert said.returncode == 0, said.stderr
        assert "responseStatus" not in said.stdout
        for expected in (
            '"name":"Acme"',
            '"purpose":"triage"',
            '"purpose":"billing"',
            "ai_session.patched.v1",
            'purpose: "triage" -> "billing"',
            "chat_session.created.v1",
            '"CustomerName":"Kim"',
            '"Status":"InQueue"',
        ):
            assert expected in said.stdout
        assert "the views equal the log" in said.stderr
        assert served.stop() == 0, served.log


def test_a_login_behind_pgbouncer_gets_the_settings_that_the_service_cannot_ask_for_there() -> None:
    limit_s = Settings(database_url="", master_key=b"").list_deadline_s
    wanted = {**SESSION, "statement_timeout": f"{limit_s:.0f}s"}
    given = re.findall(
        r"^ALTER ROLE app SET (\w+) = '?(.*?)'?;$", DATABASE.read_text(), re.MULTILINE
    )
    assert wanted.items() <= dict(given).items()


def test_the_readme_is_short() -> None:
    assert len(README.read_text().splitlines()) <= MAX_LINES


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: str(text.relative_to(ROOT)))
def test_what_a_text_links_to_or_names_is_there(text: Path) -> None:
    written = text.read_text()
    named = [text.parent / link for link in LINK.findall(written)]
    named += [ROOT / place for place in PLACE.findall(written)]
    named += [ROOT / f"tests/{module}.py" for module in TRIED.findall(written)]
    assert [each for each in named if not each.exists()] == []


def test_the_first_words_are_those_that_the_checks_begin_with() -> None:
    """On a machine whose pip refuses to change the system, and where no script is on the PATH."""
    first = "python3 -m pip install --target .uv uv && .uv/bin/uv run"
    typed = re.findall(r"^(python3.*) (sessionary serve|pytest)$", README.read_text(), re.MULTILINE)
    assert typed == [(first, "sessionary serve"), (first, "pytest")]
