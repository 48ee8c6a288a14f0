"""A log, opened: its master key is recognised, and it is known how many partitions it has."""

from msgspec import Struct

from app.database.pool import Pool
from app.log.errors import WrongMasterKey
from app.log.incarnation import Incarnation
from app.log.keyring import Keyring
from app.log.read import check_value, heads
from app.settings import Settings


class OpenedLog(Struct, frozen=True):
    """What is needed to read the log, and to append to it."""

    pool: Pool
    keyring: Keyring
    partitions: int
    incarnation: Incarnation


async def open_log(settings: Settings) -> OpenedLog:
    """Connect, and refuse another master key than the log's.

    Raises OSError or asyncpg's errors when there is no database, WrongMasterKey.
    """
    pool = Pool(settings)
    try:
        keyring = Keyring(settings.master_key)
        known = await check_value(pool)
        if known is None or not keyring.made(known):
            raise WrongMasterKey("The log was written with another master key than the one given")
        partitions = len(await heads(pool))
        incarnation = Incarnation(keyring)
        await incarnation.check(pool.ask)
        return OpenedLog(pool, keyring, partitions, incarnation)
    except BaseException:
        await pool.close()
        raise
