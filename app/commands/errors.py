"""What a batch of commands can be refused with."""


class InvalidBatch(Exception):
    """Commands that cannot be done as one, whatever each of them asks for."""


class BatchRefused(Exception):
    """Nothing of a batch was done, because of one of its commands."""

    def __init__(self, index: int, cause: Exception) -> None:
        """`index`: its place, from 0; `cause`: what it alone would be refused with.

        That is what `CommandHandler.handle` raises, or InvalidBatch, or Unreadable.
        """
        self.index = index
        self.cause = cause
        super().__init__(f"Command {index}: {cause}")
