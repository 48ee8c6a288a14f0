"""What a running service can be told. A value: only `cli` reads the environment."""

from pathlib import Path
from typing import Any, TypeAlias

from msgspec import Struct

CUSTOMER_TIMEOUT_S = 300.0
BODY_DEADLINE_S = 15.0
_FETCH_MARK_S = 15.0
SERVICE_ROLE = "sessionary_service"
"""What migrations grant the service's rights to."""
STATEMENT_CACHE = 100
MAX_PARTITIONS = 64
"""Of a log. What a key is given for is drawn until it falls into the key's own one."""
ANSWER_BYTES = 16 * 1024 * 1024


class GuessingLimits(Struct, frozen=True, kw_only=True):
    """How many wrong passwords are forgiven, and how long the pauses are after that."""

    failures: int = 5
    """Of one user from one address, before the first pause."""
    failures_at_large: int = 50
    """Of one user from all addresses, or of all users from one address."""
    pause_s: float = 1.0
    """The first pause; each further failure doubles it."""
    longest_pause_s: float = 300.0
    """For one user from one address."""
    longest_pause_at_large_s: float = 60.0
    """Shorter, because it may meet somebody who did nothing wrong."""
    forgotten_after_s: float = 900.0
    """Without another failure, all is as if there had been none."""
    established_s: float = 86_400.0
    """How long a user who signed in from an address is exempt there from the limits at large."""
    kept: int = 50_000
    """Users, addresses and pairs of them that a worker remembers, at most."""


Setting: TypeAlias = Any
"""The value of any of them."""


class Settings(Struct, frozen=True, kw_only=True):
    """All options of the service, with their defaults, and its limits.

    Those of a format stand with its codec.
    """

    database_url: str
    master_key: bytes
    """256 bits that wrap the key of every stream. Whoever loses it loses all personal data."""
    database_role: str | None = SERVICE_ROLE
    """Taken on every connection; None where the login itself has no more than its rights."""
    statement_cache: int = STATEMENT_CACHE
    """Prepared statements a connection; 0 behind pgbouncer in transaction mode."""
    pool_size: int = 8
    """Connections a worker process at the most, those of lists apart."""
    pool_writers: int = 3
    """So many of them append, or write otherwise; the others look up, whatever becomes of these."""
    store_deadline_s: float = 1.5
    """How long the database may fail before a request is answered 503."""
    turn_wait_s: float = 5.0
    """How long a command waits for those before it on its session, before it is answered 503."""
    list_pool_size: int = 2
    """Connections a worker process keeps for lists, so that slow ones hold up nobody else."""
    list_deadline_s: float = 8.0
    """How long a list may take before it is refused."""
    list_wait_s: float = 20.0
    """How long a list waits for the lists before it, its caller's own and others'."""
    answer_bytes: int = ANSWER_BYTES
    """Of one answer: of the rows that are read for it, and of the body that they make."""
    retry_after_s: int = 1
    """What a client is told to wait after a 503, or while its first request is in flight."""

    batch_commands: int = 256
    """Commands that share one commit, at most."""
    batch_lookups: int = 256
    """Look-ups by id that share one query, at most."""
    cache_bytes: int = 32 * 1024 * 1024
    """Folded aggregates kept in memory by each worker process: some 25,000 AI sessions."""
    conflict_retries: int = 3
    """How often a command is decided again because its stream had moved on, before a 409.

    Only other processes can overtake it: in this one, a stream's commands take turns.
    """

    customer_timeout_s: float = CUSTOMER_TIMEOUT_S
    """How long a chat's customer may ask for none before the session is closed; 0: for ever."""
    sweep_s: float = 10.0
    """How often such sessions are looked for."""

    body_bytes: int = 1024 * 1024
    anonymous_body_bytes: int = 16 * 1024
    """Of a body that is read before it is known who sends it: to sign in takes no more."""
    body_deadline_s: float = BODY_DEADLINE_S
    """How long a request's body may take to come whole."""
    credential_ttl_s: float = 1.0
    """How long a verified credential counts before the principal is read again."""
    password_checks: int = 2
    """Passwords verified at the same time: each takes 19 MiB and a core."""
    guessing: GuessingLimits = GuessingLimits()
    """Wrong passwords that are forgiven, by each worker process."""
    login_s: int = 14 * 86_400
    """How long a sign-in holds at the most (ServiceStack's session)."""
    permanent_login_s: int = 28 * 86_400
    """How long one that is to outlast the browser does."""
    behind_proxy: bool = False
    """Whether to believe X-Forwarded-Proto, and the last address of X-Forwarded-For.

    Only where a proxy that sets both is the only way in: anybody else could write what he likes.
    """
    allowed_origins: frozenset[str] = frozenset()
    """Other origins (`https://app.example.com`) whose pages may act for who is signed in."""

    embedded_data_dir: Path | None = None
    """Where the embedded PostgreSQL lives, to bring it back if it dies; None with another."""
    metrics_folder: str | None = None
    """Where worker processes add up their metrics; None when there is one worker."""

    @property
    def fetch_mark_s(self) -> float:
        """How often at the most it is recorded that a chat's customer asked for news.

        Often enough that who goes on asking is never taken for gone.
        """
        return min(_FETCH_MARK_S, self.customer_timeout_s / 3 or _FETCH_MARK_S)

    def __repr__(self) -> str:
        """Without secrets, for logs."""
        return f"Settings(database_role={self.database_role!r}, pool_size={self.pool_size})"
