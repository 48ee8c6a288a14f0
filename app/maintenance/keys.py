"""The keys of the log that a command works on."""

from app.database import migrate
from app.log.errors import WrongMasterKey
from app.log.keyring import Keyring
from app.log.read import key_settings
from app.maintenance import key_file
from app.maintenance.store import Connection, DataLocation, master_key


async def keyring_of(store: Connection, where: DataLocation) -> Keyring:
    """The log's keys. Raises WrongMasterKey as `master_key` does."""
    keyring = Keyring(await master_key(store, where))
    keyring.adopt(await key_settings(store))
    return keyring


def present_key(where: DataLocation) -> bytes:
    """The master key that the key file holds, for a log that is to come. Raises WrongMasterKey."""
    if not where.key_file.exists():
        raise WrongMasterKey(
            f"The master key of the log is needed: put it into {where.key_file}, or name its file "
            "with --master-key-file"
        )
    return key_file.read(where.key_file)


async def require_fit(store: Connection, where: DataLocation) -> None:
    """Refuse a database that Sessionary does not work on. Raises SchemaError."""
    await migrate.refuse_unfit(store.raw)
    if not where.allow_unsafe_database:
        await migrate.refuse_unsafe(store.raw)
