"""How every connection is set up, whatever is set for its role or its database."""

import asyncpg

from app.database.sql import blocks

SQL = blocks(__file__)
SESSION = {
    # With a stricter level, an append that waited for a rebuild's swap would see the old tables.
    "default_transaction_isolation": "read committed",
    # The service's statements all probe indexes, and their plans are kept as long as a connection.
    # Else one made while the tables were small would scan them when they are large.
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_material": "off",
    # Before 18, a plan that cannot do without one of these counts as enormously dear, and so is
    # compiled at each execution: seconds, for a statement that takes milliseconds.
    "jit": "off",
}
"""What PostgreSQL by itself would do otherwise; a login behind pgbouncer is given these."""
OPENED_WITH = SESSION | {
    # Tables are where the migrations make them, and deadlines are the service's own.
    "search_path": "public",
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    # How texts in statements are understood, and values written.
    "datestyle": "ISO, MDY",
    "intervalstyle": "postgres",
    "timezone": "UTC",
    "bytea_output": "hex",
    "standard_conforming_strings": "on",
    "transform_null_equals": "off",
    "enable_indexscan": "on",
    "enable_indexonlyscan": "on",
    "enable_nestloop": "on",
}
"""What every connection asks for; not behind pgbouncer, which refuses what it does not know."""
_HAS_TRANSACTION_TIMEOUT = 17


async def lift_time_outs(connection: asyncpg.Connection, limit_s: float) -> None:
    """Lift the time-out that is not in OPENED_WITH, since older servers do not know it.

    The connection is ended if that fails. Raises what a statement raises.
    """
    if connection.get_server_version().major < _HAS_TRANSACTION_TIMEOUT:
        return
    try:
        await connection.execute(SQL["lift_time_outs"], timeout=limit_s)
    except BaseException:
        connection.terminate()
        raise
