"""The keys of the log that a command works on."""

from app.log.keyring import Keyring
from app.log.read import key_settings
from app.maintenance.store import Connection, DataLocation, master_key


async def keyring_of(store: Connection, where: DataLocation) -> Keyring:
    """The log's keys. Raises WrongMasterKey as `master_key` does."""
    keyring = Keyring(await master_key(store, where))
    keyring.adopt(await key_settings(store))
    return keyring
