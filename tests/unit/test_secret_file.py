"""Files of secrets: who may open them is looked at before what they hold."""

import os
import shutil
from pathlib import Path

import pytest

from app.maintenance import key_file
from app.maintenance.password_file import password_in
from app.maintenance.secret_file import UnusableFile, read_secret


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A secret that nobody else can read."""
    path = tmp_path / "secret"
    path.touch(0o600)
    path.write_text("s3cret")
    return path


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620, 0o602, 0o610, 0o444, 0o777])
def test_a_file_that_others_can_open_is_refused_with_what_to_type(mode: int, file: Path) -> None:
    file.chmod(mode)
    for read in (read_secret, password_in, key_file.read):
        with pytest.raises(UnusableFile, match=f"mode is {mode:04o}\\): chmod 600 {file}$") as said:
            read(file)
        assert "s3cret" not in str(said.value)


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_a_file_of_ours_alone_is_read(mode: int, file: Path) -> None:
    file.chmod(mode)
    assert read_secret(file) == "s3cret"


def test_a_link_counts_as_what_it_leads_to(file: Path, tmp_path: Path) -> None:
    (link := tmp_path / "link").symlink_to(file)
    assert read_secret(link) == "s3cret"
    file.chmod(0o644)
    with pytest.raises(UnusableFile):
        read_secret(link)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_file_that_another_account_mounted_is_read(file: Path) -> None:
    shutil.chown(file, "nobody")
    file.chmod(0o444)
    assert read_secret(file) == "s3cret"
