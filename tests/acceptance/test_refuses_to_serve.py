"""What `serve` refuses before it starts anything, and the sentence that says what to do."""

import os
from pathlib import Path

import pytest
from support.service_process import free_port, sessionary


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can try")
def test_root_is_told_to_start_it_as_another_account(tmp_path: Path) -> None:
    ended = sessionary(
        "serve", f"--data-dir={tmp_path / 'data'}", "--database-url=postgresql://localhost:1/x"
    )
    assert "Running as root" in ended.stderr.splitlines()[0]


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
