"""Names of the environment that child processes get; all others stay with this process.

A child needs few of them, and what it has, others of its account can read in /proc.
"""

import os
from collections.abc import Iterable

_EVERYWHERE = frozenset(
    {
        "HOME", "LANG", "LANGUAGE", "LD_LIBRARY_PATH", "LD_PRELOAD", "LOGNAME", "PATH", "TEMP",
        "TMP", "TMPDIR", "TZ", "TZDIR", "USER",
    }
)  # fmt: skip
_WORKERS = frozenset({"PROMETHEUS_MULTIPROC_DIR", "SSL_CERT_DIR", "SSL_CERT_FILE", "VIRTUAL_ENV"})
_WORKERS_KINDS = ("LC_", "MALLOC_", "OTEL_", "PYTHON", "PG")
_SECRET = frozenset({"PGPASSWORD", "SESSIONARY_DATABASE_URL", "SESSIONARY_OWNER_URL"})
_SECRET_ENDS = ("_PASSWORD", "_SECRET", "_TOKEN", "_KEY")


def for_postgres() -> dict[str, str]:
    """The environment of PostgreSQL's programs: in English, in UTC, no settings of its clients."""
    return _named(_EVERYWHERE) | {"LC_ALL": "C", "TZ": "UTC"}


def keep_what_workers_need() -> None:
    """Remove all else from this process's environment, which its workers inherit."""
    ours = {name for name in os.environ if name.startswith(_WORKERS_KINDS) and not is_secret(name)}
    kept = _EVERYWHERE | _WORKERS | ours
    for name in [name for name in os.environ if name not in kept]:
        del os.environ[name]


def take_secret(name: str) -> str | None:
    """The value of a name, which is removed."""
    return os.environ.pop(name, None)


def drop_secrets() -> None:
    """Remove all secrets that a person may have given, once the options are read."""
    for name in [name for name in os.environ if is_secret(name)]:
        del os.environ[name]


def is_secret(name: str) -> bool:
    """Whether a name of ours or of PostgreSQL's clients holds a secret."""
    ours = name.startswith("SESSIONARY_") and name.endswith(_SECRET_ENDS)
    return ours or name in _SECRET


def _named(names: Iterable[str]) -> dict[str, str]:
    return {name: os.environ[name] for name in names if name in os.environ}
