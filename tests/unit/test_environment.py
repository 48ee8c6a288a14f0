"""What of the environment is secret, and what children get of it."""

import os

import pytest

from app.database.environment import drop_secrets, for_postgres, keep_what_workers_need, take_secret

SECRETS = (
    "PGPASSWORD", "SESSIONARY_ADMIN_PASSWORD", "SESSIONARY_DATABASE_PASSWORD",
    "SESSIONARY_DATABASE_URL", "SESSIONARY_OWNER_URL", "SESSIONARY_MASTER_KEY", "SESSIONARY_TOKEN",
)  # fmt: skip
STRANGERS = ("AWS_SECRET_ACCESS_KEY", "CI_JOB_TOKEN", "SSH_AUTH_SOCK")
WORKERS = ("LC_TIME", "MALLOC_ARENA_MAX", "PATH", "PGSSLROOTCERT", "PYTHONPATH", "TZ")


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of it, which a test may change."""
    monkeypatch.setattr(os, "environ", dict.fromkeys((*SECRETS, *STRANGERS, *WORKERS), "canary"))
    os.environ["SESSIONARY_PORT"] = "8000"
    os.environ["SESSIONARY_MASTER_KEY_FILE"] = "/run/secrets/master-key"


def test_secrets_are_dropped_and_settings_stay() -> None:
    assert take_secret("SESSIONARY_ADMIN_PASSWORD") == "canary"
    assert take_secret("SESSIONARY_ADMIN_PASSWORD") is None
    drop_secrets()
    kept = {"SESSIONARY_PORT", "SESSIONARY_MASTER_KEY_FILE"}
    assert set(os.environ) - {"PYTEST_CURRENT_TEST"} == {*STRANGERS, *WORKERS, *kept}


def test_workers_get_the_names_that_they_need() -> None:
    keep_what_workers_need()
    assert set(os.environ) == set(WORKERS)


def test_postgresql_gets_less_and_speaks_english() -> None:
    assert for_postgres() == {"PATH": "canary", "LC_ALL": "C", "TZ": "UTC"}
