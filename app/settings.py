"""The options of a running service. They are a value: only `cli` reads the environment."""

from pathlib import Path
from typing import Any, TypeAlias

from msgspec import Struct

CUSTOMER_TIMEOUT_S = 300.0
BODY_DEADLINE_S = 15.0
SLOW_REQUEST_S = 1.0
CHECKPOINT_EVERY_S = 10.0
CHECKPOINT_EVERY_EVENTS = 1_000
BACKUP_HORIZON_DAYS = 35
_FETCH_MARK_S = 15.0
RATE_LIMIT = 0.0
SERVICE_ROLE = "sessionary_service"
"""The role to which migrations grant the service's rights."""
STATEMENT_CACHE = 100
MAX_PARTITIONS = 64
"""Partitions of a log. The id of a new stream that comes with an idempotency key is redrawn until
it falls into the key's own partition."""
READ_WAIT_S = 0.5
ANSWER_BYTES = 16 * 1024 * 1024


class GuessingLimits(Struct, frozen=True, kw_only=True):
    """How many wrong passwords are forgiven, and how long the pauses are afterwards."""

    failures: int = 5
    """Failures of one user from one address, before the first pause."""
    failures_at_large: int = 50
    """Failures of one user from all addresses, or of all users from one address."""
    pause_s: float = 1.0
    """The first pause; each further failure doubles it."""
    longest_pause_s: float = 300.0
    """The longest pause for one user from one address."""
    longest_pause_at_large_s: float = 60.0
    """The longest pause at large: shorter, because it may hit somebody who did nothing wrong."""
    forgotten_after_s: float = 900.0
    """After this time without another failure, all earlier ones are forgotten."""
    established_s: float = 86_400.0
    """A user who signed in from an address is exempt there from the limits at large for so long."""
    kept: int = 50_000
    """Users, addresses and pairs of both that a worker remembers, at most."""


class CallerLimits(Struct, frozen=True, kw_only=True):
    """How many tokens and sign-ins a principal has, and how long they last."""

    tokens: int = 100
    """Tokens of one principal that have not ended: one more is refused."""
    token_s: float = 90 * 86_400.0
    """How long a token lasts for which no time was asked."""
    sign_ins: int = 50
    """Sign-ins of one principal: one more ends the oldest."""
    sign_in_idle_s: float = 12 * 3_600.0
    """A sign-in ends if nobody has used it for so long."""
    permanent_sign_in_idle_s: float = 14 * 86_400.0
    """The same for one that should outlast the browser."""


Setting: TypeAlias = Any
"""The value of any option."""


class Settings(Struct, frozen=True, kw_only=True):
    """All options of the service, with their defaults, and its limits.

    The limits of the formats are in `app.codecs.limits`.
    """

    database_url: str
    master_key: bytes
    """256 bits that wrap the key of every stream. Losing it means losing all personal data."""
    database_role: str | None = SERVICE_ROLE
    """Assumed on every connection; None where the login itself has no more than its rights."""
    statement_cache: int = STATEMENT_CACHE
    """Prepared statements per connection; 0 behind pgbouncer in transaction mode."""
    pool_size: int = 8
    """Connections per worker process at most, not counting those for lists."""
    pool_writers: int = 3
    """Connections of the pool that append or otherwise write. The rest always remain for reads."""
    store_deadline_s: float = 1.5
    """How long the database may fail before a request is answered 503."""
    turn_wait_s: float = 5.0
    """How long a command waits for earlier ones on its session, before it is answered 503."""
    list_pool_size: int = 2
    """Connections that a worker process keeps for lists, so that slow ones delay nobody else."""
    list_deadline_s: float = 8.0
    """How long a list may take before it is refused."""
    list_wait_s: float = 20.0
    """How long a list waits for earlier lists, of the same caller and of others."""
    past_wait_s: float = 2.0
    """How long a list of the past waits for the histories to go up to its moment."""
    read_url: str | None = None
    """A hot standby of the database, for lists, past moments and audits; None: there is none."""
    read_wait_s: float = READ_WAIT_S
    """How long a request waits for the standby to answer and to come up with the primary; then it
    reads from the primary."""
    read_pool_size: int = 4
    """Connections to the standby per worker process at most, beside the one that looks after it."""
    answer_bytes: int = ANSWER_BYTES
    """Limit of one answer: of the rows read for it, and of the resulting body."""
    retry_after_s: int = 1
    """Retry-After of a 503, and of a retry while the first request is still in flight."""
    most_in_flight: int = 512
    """Requests that a worker works on at a time; further ones are refused. So many take it less
    than the deadline of a command, so that what it takes on, it finishes."""
    rate_limit: float = RATE_LIMIT
    """Requests of one principal a second, on average, in each worker process; 0: any number."""
    rate_burst_s: float = 10.0
    """How many seconds' requests a principal may send at once."""

    batch_commands: int = 256
    """Commands that share one commit, at most."""
    batch_lookups: int = 256
    """Look-ups by id that share one query, at most."""
    cache_bytes: int = 32 * 1024 * 1024
    """Folded aggregates kept in memory by each worker process: some 25,000 AI sessions."""
    conflict_retries: int = 3
    """How often a command is decided again after its stream has moved on, before a 409.

    Only other processes can overtake it: within one process, a stream's commands take turns.
    """

    customer_timeout_s: float = CUSTOMER_TIMEOUT_S
    """Seconds a customer may go without fetching before the chat is closed; 0 never closes it."""
    sweep_s: float = 10.0
    """Seconds between two searches for such chats."""

    follower_share: float = 0.25
    """Part of a worker's time that followers of the log take, while it serves others."""

    checkpoint_every_s: float = CHECKPOINT_EVERY_S
    """Seconds after which an event is covered by a signed checkpoint, at the latest."""
    checkpoint_every_events: int = CHECKPOINT_EVERY_EVENTS
    """Events after which a checkpoint is signed before that time."""
    checkpoint_ml_dsa: bool = False
    """Whether checkpoints have a second signature, of ML-DSA-44."""
    witnesses: tuple[str, ...] = ()
    """Witnesses that are asked to cosign checkpoints: a URL and, after spaces, its vkeys."""
    checkpoint_to: tuple[str, ...] = ()
    """Files, folders and URLs that keep checkpoints, too."""
    erasures_to: tuple[Path, ...] = ()
    """Files and folders that keep a list of erasures: a restore does them again by it."""

    backup_horizon_days: int = BACKUP_HORIZON_DAYS
    """Days after which no copy of the database from before an erasure is kept, by policy."""

    body_bytes: int = 1024 * 1024
    anonymous_body_bytes: int = 16 * 1024
    """Limit of a body that is read before its sender is known: signing in needs no more."""
    body_deadline_s: float = BODY_DEADLINE_S
    """How long a request's body may take to arrive completely."""
    credential_ttl_s: float = 1.0
    """How long a verified credential counts before the principal is read again."""
    password_checks: int = 2
    """Passwords verified at the same time; each takes 19 MiB and a core."""
    password_wait_s: float = 1.5
    """How long a password waits for the check of others, before a 503."""
    guessing: GuessingLimits = GuessingLimits()
    """Limits of guessing passwords; each worker process counts for itself."""
    callers: CallerLimits = CallerLimits()
    login_s: int = 14 * 86_400
    """How long a sign-in lasts at most (ServiceStack's session)."""
    permanent_login_s: int = 28 * 86_400
    """How long a sign-in lasts that should outlast the browser."""
    behind_proxy: bool = False
    """Whether to believe X-Forwarded-Proto, and the last address of X-Forwarded-For.

    Only where a proxy that sets both is the only way in: otherwise any client could forge them.
    """
    allowed_hosts: frozenset[str] = frozenset()
    """Hosts to answer for beside the machine's names for itself: see `app.codecs.hosts`."""
    allowed_origins: frozenset[str] = frozenset()
    """Other origins (`https://app.example.com`) whose pages may act for the signed-in user."""

    access_log: str = "off"
    """Requests that have a line in the log: `off`, `errors`, `slow` or `all`."""
    slow_request_s: float = SLOW_REQUEST_S
    """A request that takes longer is slow; the time for which it asked to wait for news is free."""

    embedded_data_dir: Path | None = None
    """Folder of the embedded PostgreSQL, to restart it if it dies; None with any other one."""
    metrics_folder: str | None = None
    """Where worker processes add up their metrics; None with a single worker."""

    @property
    def fetch_mark_s(self) -> float:
        """Minimum seconds between two records that a chat's customer has fetched news.

        It is short enough that a customer who keeps fetching never counts as gone.
        """
        return min(_FETCH_MARK_S, self.customer_timeout_s / 3 or _FETCH_MARK_S)

    def __repr__(self) -> str:
        """Without secrets, for logs."""
        return f"Settings(database_role={self.database_role!r}, pool_size={self.pool_size})"
