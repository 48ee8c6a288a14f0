"""The definition of an operation: verb, path, input, output, and kind.

The tables of operations are in `rest` and `agents`.
"""

from enum import Enum

from msgspec import Struct

PATH = "/api/v1/ChatSession"
AGENT = "/api/v1/Agents/Chat"
ENTITY = "chat"
"""The only entity of the archive."""
METADATA_PATH = "/api/v1/Archive/ChatSession/$metadata"
"""Path of the document that describes the rows of a list."""
MAX_ROWS_PER_PAGE = 1_000
"""Rows on one page of a list; further rows are on the next pages, whatever `$top` says."""
LIST = "GetAll"
"""The list operation; only this one accepts `$format`."""
SELECT = ("$select",)
TOP = "$top"
AS_OF = ("asOf",)
"""The option of reads that can be asked for a past moment."""
MESSAGES_PAGE = ("after", TOP, *AS_OF)
"""Options for a page of a session's messages: its start, its size and its moment."""


class Shows(Enum):
    """The content of an answer."""

    NOTHING = "nothing"
    """204 without a body."""
    LINKED = "ChatSessionEntityWithLinks"
    ENTITY = "ChatSessionEntity"
    """Null for a missing session."""
    ENTITIES = "list of ChatSessionEntity"
    MESSAGE = "ChatMessage"
    MESSAGES = "list of ChatMessage"
    TEXT = "string"
    PAGE = "ODataSlimResponse"


class SuperOfficeDescription(Struct, frozen=True, kw_only=True):
    """One operation as the documents describe it."""

    name: str
    verb: str
    path: str
    summary: str
    shows: Shows
    body: type[Struct] | None = None
    """The type of the request's body; None: the body is ignored."""
    is_patch: bool = False
    """Whether the body is a JSON Patch, or an object to merge."""
    query: tuple[str, ...] = ()
    """Parameters in the query."""
    is_command: bool = False
    """Whether it changes something: callers with read access only may not call it."""
    is_conditional: bool = False
    """Whether it concerns one session, and can depend on its version or age."""

    @property
    def is_agent(self) -> bool:
        """Whether it is an operation of the agent, which never answers "not found"."""
        return self.path.startswith(AGENT)
