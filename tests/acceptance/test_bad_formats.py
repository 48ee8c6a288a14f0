"""No body in any format, however hostile, gets a 5xx or stores anything."""

import httpx
import pytest
from support.hostile_formats import CORPUS, TARGETS, Bad
from support.refusals import refused

pytestmark = pytest.mark.usefixtures("session", "_nothing_is_stored")

CASES = [
    pytest.param(format_, bad.content_type or content_type, bad, id=f"{format_}: {name}")
    for format_, (content_type, bodies) in CORPUS.items()
    for name, bad in bodies.items()
]


@pytest.mark.parametrize(("format_", "content_type", "bad"), CASES)
def test_a_bad_body_is_refused_in_the_format_that_it_came_in(
    admin: httpx.Client, session: str, format_: str, content_type: bytes, bad: Bad
) -> None:
    headers = {b"Content-Type": content_type, b"Accept": b"*/*"}
    for target in TARGETS:
        path = target.path.format(session=session)
        answer = admin.request(target.method, path, content=bad.of(target), headers=headers)
        assert answer.status_code == bad.status, f"{target.request}: {answer.text[:300]}"
        answered = format_ if format_ in ("xml", "jsv", "csv", "jsonl") else "json"
        found = refused(answered, answer.content)
        if bad.names_member:
            assert found.fields == [target.member[0].upper() + target.member[1:]]


@pytest.mark.parametrize(
    ("format_", "content_type", "bad"),
    [case for case in CASES if case.values[0] != "unknown"],
)
def test_a_bad_body_is_refused_on_predefined_routes_and_in_batches(
    admin: httpx.Client, session: str, format_: str, content_type: bytes, bad: Bad
) -> None:
    own = format_ if format_ in ("xml", "jsv", "csv", "jsonl") else "json"
    headers = {b"Content-Type": content_type}
    for target in TARGETS:
        query = "?format=xml&sessionId=" + session
        for path in (f"/{own}/reply/{target.request}", f"/{own}/reply/{target.request}[]"):
            if path.endswith("[]") and not bad.in_batches:
                continue
            answer = admin.post(path + query, content=bad.of(target), headers=headers)
            assert answer.status_code == 400, f"{path}: {answer.text[:300]}"
            refused("xml", answer.content)
