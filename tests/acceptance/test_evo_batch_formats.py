"""Batches in each format of requests and of answers."""

import json
from collections.abc import Callable, Sequence

import httpx
import pytest
from support.evo_messages import (
    ANSWERS,
    API,
    HOSTILE_PURPOSES,
    as_csv,
    as_jsv,
    as_xml,
    camel,
    rows,
)
from support.refusals import CONTENT_TYPES, refused

PURPOSES = list(HOSTILE_PURPOSES.values())


def xml_batch(purposes: Sequence[str]) -> str:
    """An array as a data contract."""
    items = "".join(as_xml("NewAISession", {"purpose": purpose}) for purpose in purposes)
    return f'<ArrayOfNewAISession xmlns="{API}.AI">{items}</ArrayOfNewAISession>'


def csv_batch(purposes: Sequence[str]) -> str:
    """A row for each."""
    lines = [as_csv("NewAISession", {"purpose": purpose}) for purpose in purposes]
    return "Purpose\r\n" + "".join(line.removeprefix("Purpose\r\n") for line in lines)


def line_batch(purposes: Sequence[str]) -> str:
    """A line for each."""
    return "".join(json.dumps({"purpose": purpose}) + "\n" for purpose in purposes)


def jsv_batch(purposes: Sequence[str]) -> str:
    """A list."""
    return "[" + ",".join(as_jsv("", {"purpose": purpose}) for purpose in purposes) + "]"


def json_batch(purposes: Sequence[str]) -> str:
    """An array."""
    return json.dumps([{"purpose": purpose} for purpose in purposes])


BATCHES: dict[str, Callable[[Sequence[str]], str]] = {
    "json": json_batch,
    "xml": xml_batch,
    "jsv": jsv_batch,
    "csv": csv_batch,
    "jsonl": line_batch,
}


def purposes_in_xml(text: str) -> list[str]:
    """The purposes of an `ArrayOfAISessionInfo`."""
    before, *items = text.split("<AISessionInfo>")
    assert before.endswith(f'xmlns="{API}.AI">'), before
    assert "<ArrayOfAISessionInfo " in before
    closed = [f"<AISessionInfo>{item.removesuffix('</ArrayOfAISessionInfo>')}" for item in items]
    return [ANSWERS["xml"].read(item.replace(' i:nil="true"', ""))["purpose"] for item in closed]


def purposes_in_csv(text: str) -> list[str]:
    """The purposes of the rows."""
    header, *found = rows(text)
    at = [camel(name) for name in header].index("purpose")
    return [row[at] for row in found]


def purposes_in(format_: str, text: str) -> list[str]:
    """The purposes of an answer's sessions."""
    match format_:
        case "json":
            return [item["purpose"] for item in json.loads(text)]
        case "jsonl":
            return [json.loads(line)["purpose"] for line in text.removesuffix("\n").split("\n")]
        case "xml":
            return purposes_in_xml(text)
        case "jsv":
            assert text.startswith("[{")
            items = text[1:-2].replace("},{purpose:", "}\0{purpose:").split("\0")
            return [ANSWERS["jsv"].read(f"{item.removesuffix('}')}}}")["purpose"] for item in items]
        case _:
            return purposes_in_csv(text)


@pytest.mark.parametrize("answered", BATCHES)
@pytest.mark.parametrize("sent", BATCHES)
@pytest.mark.parametrize("atomic", ["false", "true"])
def test_every_purpose_comes_through_a_batch(
    admin: httpx.Client, sent: str, answered: str, atomic: str
) -> None:
    path = f"/{sent}/reply/NewAISession[]?format={answered}&atomic={atomic}"
    answer = admin.post(path, content=BATCHES[sent](PURPOSES).encode())
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == CONTENT_TYPES[answered]
    assert purposes_in(answered, answer.text) == PURPOSES


@pytest.mark.parametrize("format_", BATCHES)
def test_a_batch_s_error_names_its_item_in_every_format(admin: httpx.Client, format_: str) -> None:
    asked = [{"accountId": "String"}, {"accountId": "nobody"}]
    answer = admin.post(f"/api/NewAISession[].{format_}", json=asked)
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == CONTENT_TYPES[format_]
    found = refused(format_, answer.content)
    assert (found.code, found.fields) == ("AccountNotFound", ["AccountId"])
    assert found.meta == {"AutoBatchIndex": "1"}
