"""A page of a list of chat sessions, in the form of the API."""

from collections.abc import Iterable, Sequence
from functools import partial
from urllib.parse import urlencode

from app.codecs.form import MAX_URL_BYTES
from app.codecs.json_text import BadInput
from app.codecs.value import Tree
from app.faces.superoffice.lists.columns import COLUMNS, Session, json_safe
from app.faces.superoffice.lists.query import ListQuery, Mode
from app.faces.superoffice.wire.api import ENTITY, METADATA_PATH
from app.faces.superoffice.wire.rights import table_right

PATH = "/api/v1/ChatSession"

_CONTINUED = frozenset({"$skip", "$skiptoken"})
_PLAIN = "$(),/:*"
"""Allowed unescaped in a query (RFC 3986, 3.4). So is ', but browsers and Node escape it."""


def write_list(
    rows: Sequence[Session],
    query: ListQuery,
    *,
    base_url: str,
    next_link: str | None,
    may_change: bool,
) -> dict[str, Tree]:
    """The answer: links to its description and to the next page (null: no further page), the rows.

    `may_change` is whether the caller may do more than read.
    """
    right: Tree = {**table_right(may_change=may_change)}
    row = partial(_full, right) if query.mode is Mode.FULL else _slim
    names = [(name, json_safe(name) if query.json_safe else name) for name in query.select]
    value: list[Tree] = [row(session, names) for session in rows]
    return {
        "odata.metadata": base_url + METADATA_PATH,
        "odata.nextLink": next_link,
        "value": value,
    }


def next_link(base_url: str, pairs: Iterable[tuple[str, str]], token: str) -> str:
    """A link to the same list after the row that a token denotes.

    Raises BadInput if the link would exceed the limit of a URL, such as when the client did not
    escape characters of its query.
    """
    kept = [(name, value) for name, value in pairs if name.lower() not in _CONTINUED]
    target = f"{PATH}?{urlencode([*kept, ('$skiptoken', token)], safe=_PLAIN)}"
    if len(target) > MAX_URL_BYTES:
        raise BadInput(
            f"The query is too long to go on from this page: the link to the next one would have"
            f" {len(target)} bytes, and {MAX_URL_BYTES} are read at the most"
        )
    return base_url + target


def _slim(session: Session, names: Sequence[tuple[str, str]]) -> Tree:
    return {
        "PrimaryKey": str(session.state.chat_session_id),
        "EntityName": ENTITY,
        **{label: COLUMNS[name].shown(session) for name, label in names},
    }


def _full(right: Tree, session: Session, names: Sequence[tuple[str, str]]) -> Tree:
    number = session.state.chat_session_id
    return {
        "PrimaryKey": str(number),
        "EntityName": ENTITY,
        "StyleHint": "",
        "LinkHint": f"nav=chat&chat_session_id={number}",
        "TableRight": right,
        "Column": {
            label: {
                "RawValue": COLUMNS[name].raw(session),
                "DisplayValue": COLUMNS[name].shown(session),
                "LinkHint": "",
                "TooltipHint": "",
            }
            for name, label in names
        },
    }
