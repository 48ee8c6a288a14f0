"""What `serve` refuses before it starts anything, and the sentence that says what to do."""

import os
import subprocess
from pathlib import Path

import pytest
from support.patience import patient
from support.service_process import AS_ROOT, PROGRAM, STARTS_S, free_port, sessionary


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can try")
@pytest.mark.parametrize(
    "typed",
    [("serve",), ("serve", "--database-url=postgresql://h/x"), ("migrate",), ("users", "list")],
    ids=" ".join,
)
def test_root_is_told_to_start_it_as_another_account(
    typed: tuple[str, ...], tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    ended = subprocess.run(  # our own program
        [PROGRAM, *typed, f"--data-dir={folder}"],
        env={name: value for name, value in os.environ.items() if name not in AS_ROOT},
        capture_output=True, text=True, timeout=patient(STARTS_S), check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "does not run as root. Make an account for it" in ended.stderr
    assert not folder.exists()


@pytest.mark.parametrize("kind", ["master key", "admin password", "database password"])
def test_a_secret_that_others_can_read_is_refused(
    kind: str, empty_database_url: str, tmp_path: Path
) -> None:
    (file := tmp_path / "secret").write_text("s3cret")
    file.chmod(0o644)
    ended = sessionary(
        "serve", f"--data-dir={tmp_path}", f"--database-url={empty_database_url}",
        f"--port={free_port()}", "--allow-unsafe-database", "--allow-owner-login",
        f"--{kind.replace(' ', '-')}-file={file}",
    )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (2, "")
    assert f"other accounts can open it (its mode is 0644): chmod 600 {file}" in ended.stderr


def test_a_database_on_another_machine_without_tls_is_warned_about_once(tmp_path: Path) -> None:
    url = "postgresql://app:s3cret@nowhere.invalid/x"
    ended = sessionary(
        "serve", f"--data-dir={tmp_path}", f"--database-url={url}", f"--port={free_port()}"
    )
    assert ended.returncode == 3
    assert ended.stderr.count("Warning: Nothing protects the connection") == 1
    assert "s3cret" not in ended.stderr
