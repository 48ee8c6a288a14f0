"""The settings of every connection, whatever its role or its database sets."""

import os
import socket
from collections.abc import Mapping
from functools import cache, partial
from importlib.metadata import version

import asyncpg
from asyncpg.connect_utils import SessionAttribute

from app.database.sql import blocks

SQL = blocks(__file__)
SESSION = {
    # With a stricter level, an append that waited for a rebuild's swap would see the old tables.
    "default_transaction_isolation": "read committed",
    # The service's statements all probe indexes, and their plans live as long as a connection.
    # Otherwise a plan made while the tables were small would scan them when they are large.
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_material": "off",
    # Before 18, a plan that needs one of these anyway has an enormous cost estimate, and so is
    # compiled at each execution: seconds, for a statement that takes milliseconds.
    "jit": "off",
}
"""Settings that differ from PostgreSQL's defaults; a login behind pgbouncer gets these."""
OPENED_WITH = SESSION | {
    # Tables are where the migrations make them, and deadlines are the service's own.
    "search_path": "public",
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    # The reading of texts in statements, and the format of values.
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
"""Settings that every connection requests; not behind pgbouncer, which refuses unknown ones."""
_HAS_TRANSACTION_TIMEOUT = 17
_NAME_BYTES = 63
"""PostgreSQL cuts off the rest of a connection's name."""


@cache
def worker_name() -> str:
    """What PostgreSQL's own views, and ours of what runs, call the connections of this process.

    `sessionary 0.1.0 host:4711`; the number is the process's.
    """
    host = socket.gethostname().encode("ascii", "replace").decode()
    start, number = f"sessionary {version('sessionary')} {host}", f":{os.getpid()}"
    return start[: _NAME_BYTES - len(number)] + number


async def opened(
    url: str,
    session: Mapping[str, str],
    attribute: SessionAttribute,
    *,
    statement_cache: int,
    limit_s: float,
) -> asyncpg.Connection:
    """A connection with settings, and without the one time-out that is missing in OPENED_WITH.

    Older servers refuse a connection that asks for that. Newer ones may end the statement that
    lifts it, if a role or a database has set it to very little: a second connection asks for it.
    Behind pgbouncer (no statement cache), nothing is lifted. `limit_s`: seconds for each of these.
    Raises the errors of connecting and of a statement.
    """
    connect = partial(
        asyncpg.connect, url, timeout=limit_s, statement_cache_size=statement_cache,
        target_session_attrs=attribute,
    )  # fmt: skip
    connection: asyncpg.Connection = await connect(server_settings=dict(session))
    try:
        if statement_cache and _has_transaction_timeout(connection):
            await connection.execute(SQL["lift_time_outs"], timeout=limit_s)
    except (
        asyncpg.TransactionTimeoutError,
        asyncpg.ConnectionDoesNotExistError,
        asyncpg.InternalClientError,  # it was ended before the statement
    ):
        connection.terminate()
        connection = await connect(server_settings={**session, "transaction_timeout": "0"})
    except BaseException:
        connection.terminate()
        raise
    know_arrays(connection)
    return connection


def _has_transaction_timeout(connection: asyncpg.Connection) -> bool:
    return connection.get_server_version().major >= _HAS_TRANSACTION_TIMEOUT


_ARRAYS = {
    "_bool": (1000, 16), "_bytea": (1001, 17), "_name": (1003, 19), "_int2": (1005, 21),
    "_int4": (1007, 23), "_int8": (1016, 20), "_float8": (1022, 701), "_timestamptz": (1185, 1184),
    "_date": (1182, 1082), "_interval": (1187, 1186), "_uuid": (2951, 2950), "_jsonb": (3807, 3802),
}  # fmt: skip
"""PostgreSQL's own types of arrays: their numbers and those of their elements, always the same."""


def know_arrays(connection: asyncpg.Connection) -> None:
    """Tell a new connection the types of arrays, which it would else look up at first use.

    That look-up is planned under our settings, and takes tenths of a second, on Citus seconds.
    """
    connection.get_settings().register_data_types(
        [
            {
                "oid": number, "ns": "pg_catalog", "name": name, "kind": b"b", "basetype": 0,
                "elemtype": element, "elemdelim": ",", "range_subtype": None, "attrtypoids": None,
                "attrnames": None, "basetype_name": None, "elemtype_name": None,
                "range_subtype_name": None, "elem_has_bin_io": True, "has_bin_io": True,
            }
            for name, (number, element) in _ARRAYS.items()
        ]
    )  # fmt: skip
