"""Errors by which a batch of commands is refused."""


class InvalidBatch(Exception):
    """The commands cannot form one batch, whatever each of them asks for."""


class BatchRefused(Exception):
    """One command prevented its whole batch; nothing was done."""

    def __init__(self, index: int, cause: Exception) -> None:
        """`index`: the command's place, from 0; `cause`: the error that it alone would raise.

        That is an error of `CommandHandler.handle`, or InvalidBatch, or Unreadable.
        """
        self.index = index
        self.cause = cause
        super().__init__(f"Command {index}: {cause}")
