"""Files of the embedded PostgreSQL: a link or another's file in their place is not followed."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from app.database import embedded_files
from app.database.embedded_files import EmbeddedUnavailable

ME, MINE = os.geteuid(), os.getegid()
ROOT_ONLY = pytest.mark.skipif(ME != 0, reason="only root can give files away")


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A file of somebody else, which nothing may change or show."""
    file = tmp_path / "other"
    file.write_text("of somebody else")
    return file


PLANTED: dict[str, Callable[[Path, Path], None]] = {
    "a link": lambda at, other: at.symlink_to(other),
    "a link to nothing": lambda at, other: at.symlink_to(other.with_name("nothing")),
    "a second name": lambda at, other: at.hardlink_to(other),
    "a pipe": lambda at, _: os.mkfifo(at),
    "a folder": lambda at, _: at.mkdir(),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_what_is_planted_in_the_place_of_a_lock_is_refused(
    planted: str, tmp_path: Path, other: Path
) -> None:
    PLANTED[planted](tmp_path / "users.lock", other)
    with pytest.raises(OSError, match=r"users\.lock"):
        embedded_files.open_lock(tmp_path / "users.lock")
    assert other.read_text() == "of somebody else"
    assert not other.with_name("nothing").exists()


@pytest.mark.parametrize("planted", PLANTED)
def test_what_is_planted_in_the_place_of_a_file_is_not_read(
    planted: str, tmp_path: Path, other: Path
) -> None:
    PLANTED[planted](tmp_path / "postmaster.pid", other)
    with pytest.raises(OSError, match=r"postmaster\.pid"):
        embedded_files.read(tmp_path / "postmaster.pid", ME)


@pytest.mark.parametrize("planted", [name for name in PLANTED if name != "a folder"])
@pytest.mark.parametrize("name", ["pg_hba.conf", "pg_hba.conf.new"])
def test_what_is_planted_in_the_place_of_a_new_file_is_replaced_not_written_to(
    planted: str, name: str, tmp_path: Path, other: Path
) -> None:
    PLANTED[planted](tmp_path / name, other)
    embedded_files.write(tmp_path / "pg_hba.conf", "local all", ME, MINE)
    assert (tmp_path / "pg_hba.conf").read_text() == "local all"
    assert (tmp_path / "pg_hba.conf").stat().st_mode & 0o777 == 0o600
    assert other.read_text() == "of somebody else"
    assert not other.with_name("nothing").exists()


@ROOT_ONLY
def test_another_accounts_file_is_not_read(tmp_path: Path, other: Path) -> None:
    shutil.chown(other, "nobody")
    with pytest.raises(EmbeddedUnavailable, match="should be a file of PostgreSQL"):
        embedded_files.read(other, ME)


@pytest.mark.parametrize(("mode", "parent"), [(0o777, 0o700), (0o770, 0o700), (0o700, 0o777)])
def test_a_data_directory_that_others_can_write_is_refused(
    mode: int, parent: int, tmp_path: Path
) -> None:
    home = tmp_path / "parent" / "home"
    home.mkdir(parents=True)
    home.chmod(mode)
    home.parent.chmod(parent)
    with pytest.raises(EmbeddedUnavailable, match=r"chmod [go]+-w"):
        embedded_files.require_private(home)


def test_a_data_directory_under_tmp_or_readable_by_others_will_do(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    embedded_files.require_private(tmp_path)


@ROOT_ONLY
def test_a_data_directory_of_another_account_is_refused(tmp_path: Path) -> None:
    shutil.chown(tmp_path, "nobody")
    with pytest.raises(EmbeddedUnavailable, match="belongs to the account nobody: run as that"):
        embedded_files.require_private(tmp_path)


def test_a_link_in_the_place_of_the_servers_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "postgres").symlink_to(tmp_path)
    with pytest.raises(EmbeddedUnavailable, match="not a folder but a link"):
        embedded_files.require_own(tmp_path / "postgres", ME, "pgserver")


def test_a_link_in_the_place_of_the_sockets_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir(mode=0o700)
    (tmp_path / "socket").symlink_to(tmp_path / "target")
    with pytest.raises(EmbeddedUnavailable, match="should be a private folder"):
        embedded_files.make_private(tmp_path / "socket", ME, MINE)
