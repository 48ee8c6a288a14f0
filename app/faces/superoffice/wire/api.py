"""What an operation is: by which verb and path, what goes in, what comes out, who may call.

Their tables are in `rest` and `agents`.
"""

from enum import Enum

from msgspec import Struct

PATH = "/api/v1/ChatSession"
AGENT = "/api/v1/Agents/Chat"
ENTITY = "chat"
"""The only entity of the archive."""
METADATA_PATH = "/api/v1/Archive/ChatSession/$metadata"
"""Where a list says that its rows are described."""
MAX_ROWS_PER_PAGE = 1_000
"""Of a list; more are on the pages that follow, whatever `$top` says."""
LIST = "GetAll"
"""The operation that lists; it alone takes `$format`."""
SELECT = ("$select",)
TOP = "$top"
MESSAGES_PAGE = ("after", TOP)
"""Which messages of a session: where a page of them begins, and how many it has."""


class Shows(Enum):
    """What an answer holds."""

    NOTHING = "nothing"
    """204 without a body."""
    LINKED = "ChatSessionEntityWithLinks"
    ENTITY = "ChatSessionEntity"
    """Or null, where there is no such session."""
    ENTITIES = "list of ChatSessionEntity"
    MESSAGE = "ChatMessage"
    MESSAGES = "list of ChatMessage"
    TEXT = "string"
    PAGE = "ODataSlimResponse"


class SuperOfficeOperation(Struct, frozen=True, kw_only=True):
    """One operation as the documents describe it."""

    name: str
    verb: str
    path: str
    summary: str
    shows: Shows
    body: type[Struct] | None = None
    """What must be in the request's body; None: nothing that is looked at."""
    is_patch: bool = False
    """The body is a JSON Patch, or an object to merge."""
    query: tuple[str, ...] = ()
    """Parameters in the query."""
    is_command: bool = False
    """It changes something: who only looks on may not call it."""
    is_conditional: bool = False
    """It is about one session, and can be made to depend on its version or age."""

    @property
    def is_agent(self) -> bool:
        """Whether it is called on the agent, where nothing is "not found"."""
        return self.path.startswith(AGENT)
