"""No patch keeps a process from all others, whatever is stored: its cost in CPU time."""

from contextlib import suppress

import msgspec
import pytest
from support.costly import MEBIBYTE
from support.patches import patched_by
from support.reading import cost_s, told

from app.codecs.json_text import BadInput
from app.codecs.limits import MAX_OPERATIONS
from domain.chat.carriers import Associate
from domain.chat.fields import ChatSessionFields
from domain.chat.session import ChatSession, UpdateChatSession, decide
from domain.errors import DomainError
from domain.ids import ChatSessionId
from domain.limits import MAP_MEMBERS

MAP: dict[str, str | None] = {f"k{number}": "v" for number in range(MAP_MEMBERS)}
FULL = ChatSession(
    user=Associate(extra_fields=MAP, custom_fields=MAP),
    transfer_to=Associate(extra_fields=MAP, custom_fields=MAP),
)
OLD = ChatSession(user=Associate(custom_fields=dict.fromkeys(map(str, range(20_000)), "v")))
"""What was stored before maps had a limit."""
PATCHES = {
    "tests of a map": {"op": "test", "path": "/User/CustomFields", "value": {}},
    "tests of a map as it is": {"op": "test", "path": "/User/CustomFields", "value": None},
    "tests of a carrier": {"op": "test", "path": "/User", "value": {}},
    "replacing a map": {"op": "replace", "path": "/User/CustomFields", "value": MAP},
    "removing": {"op": "remove", "path": "/User/CustomFields/k1"},
    "adding": {"op": "add", "path": "/User/CustomFields/k1", "value": "w"},
}


@pytest.mark.parametrize("state", [FULL, OLD], ids=["full", "old"])
def test_no_patch_costs_more_than_50_ms_whatever_is_stored(
    state: ChatSession, capsys: pytest.CaptureFixture[str]
) -> None:
    costs = {}
    for name, operation in PATCHES.items():
        for times in (1, 5, MAX_OPERATIONS, MAX_OPERATIONS + 1, 1_000):
            body = msgspec.json.encode([operation] * times)
            if len(body) > MEBIBYTE:
                break

            def change(body: bytes = body) -> None:
                with suppress(BadInput, DomainError):
                    wanted = patched_by(state, body)
                    names = ChatSessionFields.__struct_fields__
                    fields = {name: getattr(wanted, name) for name in names}
                    fields["chat_session_id"] = ChatSessionId(1)
                    decide(UpdateChatSession(**fields), state)

            costs[f"{times} x {name}"] = cost_s(change)
    told(capsys, "a patch of what is stored", costs)
