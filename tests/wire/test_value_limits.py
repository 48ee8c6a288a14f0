"""The limit of values is exact in every format, and what honest clients send is within it."""

from collections.abc import Callable

import msgspec
import pytest
from support.costly import KINDS
from support.reading import EVO, answered, evo

from app.codecs.json_text import BadInput, TooManyValues
from app.codecs.limits import MAX_VALUES
from app.faces.evo.wire import requests as r
from app.faces.evo.wire.binding import RequestParts, bind, bind_all


def test_the_most_that_may_be_is_taken() -> None:
    """What honest clients send, at the documented limits."""
    batch = msgspec.json.encode([{"purpose": "p, q: [r]" * 100, "accountId": "a"}] * 1_000)
    assert len(evo_batch(batch, b"application/json")) == 1_000
    rows = b"AccountId,Purpose,a,b,c,d,e,f,g\n" + b"a,p,1,2,3,4,5,6,7\n" * 1_000
    assert len(evo_batch(rows, b"text/csv")) == 1_000
    lines = b'{"purpose":"p","accountId":"a"}\n' * 1_000
    assert len(evo_batch(lines, b"text/jsonl")) == 1_000
    text = "Привет, мир! " * 4_000  # Russian
    form = f"purpose={'%D0%9F+' * 1_000}".encode()
    assert bind(r.NewAISession, RequestParts(body=form, content_type=KINDS["form"])).purpose
    body = msgspec.json.encode([text, '{"a": [1, 2, 3]}' * 5_000])
    with pytest.raises(BadInput, match="Expected `object`"):
        bind(r.NewAISession, RequestParts(body=body, content_type=KINDS["json"]))


def evo_batch(body: bytes, content_type: bytes) -> list[r.NewAISession]:
    return bind_all(r.NewAISession, RequestParts(body=body, content_type=content_type))


MANY: dict[str, tuple[str, Callable[[int], bytes]]] = {
    "a list": ("json", lambda n: b"[" + b",".join([b"0"] * (n - 1)) + b"]"),
    "a list of empty lists": ("json", lambda n: b"[" + b",".join([b"[ ]"] * (n - 1)) + b"]"),
    "a list of texts": ("json", lambda n: b"[" + b",".join([b'",[{:"'] * (n - 1)) + b"]"),
    "texts with escapes": ("json", lambda n: b"[" + b",".join([rb'"\\\",[\\"'] * (n - 1)) + b"]"),
    "an object": ("json", lambda n: b"{" + b",".join([b'"%d":0' % i for i in range(n - 1)]) + b"}"),
    "JSV": ("jsv", lambda n: b"[" + b",".join([b"x"] * (n - 1)) + b"]"),
    "JSV's quotes": ("jsv", lambda n: b"[" + b",".join([b'",[x"'] * (n - 1)) + b"]"),
    "CSV": ("csv", lambda n: b"a\n" + b"b\n" * (n - 1)),
    "elements": ("xml", lambda n: b"<NewAISession>" + b"<a>b</a>" * (n - 1) + b"</NewAISession>"),
    "attributes": (
        "xml", lambda n: b"<NewAISession>" + b"<a b=''>c</a>" * ((n - 1) // 2) + b"</NewAISession>"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("format_", "made"), MANY.values(), ids=MANY)
def test_the_limit_of_values_is_exact_in_every_format(
    format_: str, made: Callable[[int], bytes]
) -> None:
    def refused(values: int) -> str:
        return answered(evo(r.NewAISession, format_), made(values), EVO)

    assert refused(MAX_VALUES - 1) != "TooManyValues"
    with pytest.raises(TooManyValues, match=f"^The body holds more than {MAX_VALUES} values$"):
        evo(r.NewAISession, format_)(made(MAX_VALUES + 1))
    assert refused(MAX_VALUES + 1) == "TooManyValues"
