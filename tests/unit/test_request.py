"""What the head of a request says, and what is refused of it."""

from collections.abc import Sequence

import pytest
from support.plain_requests import request_of

from app.codecs.form import MAX_URL_BYTES
from app.codecs.json_text import BadInput
from app.http.body import TooLarge
from app.http.head import MAX_HEADER_BYTES, MAX_HEADERS


def test_headers_have_a_number_at_most() -> None:
    most = [(b"x-%d" % number, b"") for number in range(MAX_HEADERS)]
    request_of(*most)
    with pytest.raises(TooLarge) as refused:
        request_of(*most, (b"x", b""))
    assert refused.value.status == 431
    assert str(refused.value) == "There are more than 100 headers"


def test_a_header_that_is_repeated_counts_each_time() -> None:
    with pytest.raises(TooLarge) as refused:
        request_of(*[(b"x", b"")] * (MAX_HEADERS + 1))
    assert refused.value.status == 431


@pytest.mark.parametrize(
    ("name", "value"), [(b"x", b"v" * MAX_HEADER_BYTES), (b"x" * MAX_HEADER_BYTES, b"v")]
)
def test_headers_have_a_size_at_most(name: bytes, value: bytes) -> None:
    request_of((name[:8_000], value[:8_000]))
    with pytest.raises(TooLarge) as refused:
        request_of((name, value))
    assert refused.value.status == 431
    assert str(refused.value) == "The headers have more than 16384 bytes"


def test_a_url_has_a_size_at_most() -> None:
    request_of(path="/" + "p" * (MAX_URL_BYTES - 2), query=b"q")
    with pytest.raises(TooLarge) as refused:
        request_of(path="/" + "p" * (MAX_URL_BYTES - 1), query=b"q")
    assert refused.value.status == 414
    assert str(refused.value) == "The URL has more than 8192 bytes"


@pytest.mark.parametrize("name", [b"host", b"authorization", b"idempotency-key", b"if-match"])
def test_a_header_that_decides_is_given_once(name: bytes) -> None:
    with pytest.raises(BadInput) as refused:
        request_of((name, b"1"), (name, b"1"))
    assert refused.value.field == name.decode()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"accept", b"a, b"),
        (b"accept-language", b"a, b"),
        (b"content-encoding", b"a, b"),
        (b"cookie", b"a; b"),
        (b"origin", b"b"),
    ],
)
def test_lists_may_come_in_several_lines_and_of_others_the_last_counts(
    name: bytes, value: bytes
) -> None:
    assert request_of((name, b"a"), (name, b"b")).headers[name] == value


@pytest.mark.parametrize(
    ("behind_proxy", "client", "base_url"),
    [(False, "192.0.2.1", "http://s.example"), (True, "198.51.100.7", "https://s.example")],
    ids=["on its own", "behind a proxy"],
)
def test_links_and_the_log_tell_what_the_client_sees_if_the_proxy_is_to_be_believed(
    behind_proxy: bool, client: str, base_url: str
) -> None:
    request = request_of(
        (b"host", b"s.example"),
        (b"x-forwarded-for", b"203.0.113.9, 198.51.100.7"),
        (b"x-forwarded-proto", b"https"),
        behind_proxy=behind_proxy,
    )
    assert (request.call().caller.client, request.base_url) == (client, base_url)


@pytest.mark.parametrize("headers", [[], [(b"host", b"")]], ids=["no Host", "empty Host"])
def test_links_are_relative_if_the_client_names_no_host(
    headers: Sequence[tuple[bytes, bytes]],
) -> None:
    assert request_of(*headers).base_url == ""


@pytest.mark.parametrize(
    ("if_match", "versions"),
    [
        (None, None),
        (b"*", None),
        (b" * ", None),
        (b'"3"', {3}),
        (b"3", {3}),
        (b'W/"3"', set()),
        (b'"3", "4"', {3, 4}),
        (b' "3","4" ', {3, 4}),
        (b'"0"', {0}),
    ],
)
def test_if_match_names_versions(if_match: bytes | None, versions: set[int] | None) -> None:
    headers = () if if_match is None else ((b"if-match", if_match),)
    assert request_of(*headers).call().if_version == versions


@pytest.mark.parametrize(
    ("if_none_match", "versions"),
    [
        (None, set()),
        (b"*", {1, 3, 7, 2**62}),
        (b' "1", *', {1, 3, 7, 2**62}),
        (b'"3"', {3}),
        (b'W/"3"', {3}),
        (b'"1",W/"3" , 7', {1, 3, 7}),
        (b'"abc", "3-gzip", ""', set()),
        (b"", set()),
    ],
)
def test_if_none_match_names_versions_that_must_not_be(
    if_none_match: bytes | None, versions: set[int]
) -> None:
    headers = () if if_none_match is None else ((b"if-none-match", if_none_match),)
    unless = request_of(*headers).call().unless_version
    assert {version for version in (0, 1, 3, 7, 2**62) if version in unless} == versions


def test_if_none_match_may_come_in_several_lines() -> None:
    unless = (
        request_of((b"if-none-match", b'"1"'), (b"if-none-match", b'"2"')).call().unless_version
    )
    assert [version in unless for version in (1, 2, 3)] == [True, True, False]


@pytest.mark.parametrize("if_match", [b"", b'""', b'"x"', b'"3" "4"', b'"3",', b"*, 3", b"\xff"])
def test_if_match_that_names_none_is_refused(if_match: bytes) -> None:
    with pytest.raises(BadInput) as refused:
        request_of((b"if-match", if_match)).call()
    assert refused.value.field == "If-Match"


@pytest.mark.parametrize("key", [b"k", b"k" * 255, b"\xe9\xff", b'"quoted"', b"two words"])
def test_an_idempotency_key_is_kept_as_it_came(key: bytes) -> None:
    kept = request_of((b"idempotency-key", key)).call().caller.idempotency_key
    assert kept == key.decode("latin-1")


def test_each_request_of_a_batch_has_a_key_of_its_own() -> None:
    batch = request_of((b"idempotency-key", b"k"))
    keys = [batch.call(item).caller.idempotency_key for item in (None, 0, 1)]
    assert len(set(keys)) == 3
    assert request_of().call(1).caller.idempotency_key is None


@pytest.mark.parametrize("key", [b"", b"k" * 256, b"k" * 5_000, b"a\0b"])
def test_an_idempotency_key_that_cannot_be_kept_is_refused(key: bytes) -> None:
    with pytest.raises(BadInput) as refused:
        request_of((b"idempotency-key", key)).call()
    assert (refused.value.field or "").lower() == "idempotency-key"


@pytest.mark.parametrize("name", [b"x-correlation-id", b"x-causation-id"])
def test_what_is_recorded_of_a_call_can_be_stored(name: bytes) -> None:
    for value in (b"a\0b", b"v" * 1_021):
        with pytest.raises(BadInput):
            request_of((name, value)).call()


def test_a_call_knows_where_it_came_from() -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    parent = f"00-{trace}-00f067aa0ba902b7-01".encode()
    call = request_of(
        (b"x-correlation-id", b"c1"), (b"traceparent", parent), (b"x-request-id", b"r.1")
    ).call()
    metadata, caller = call.metadata, call.caller
    assert (metadata.face, metadata.operation) == ("evo", "NewAISession")
    assert (metadata.request_id, metadata.trace_id) == ("", trace)
    assert (caller.request_id, caller.correlation_id) == ("r.1", "c1")
    assert caller.client == "192.0.2.1"
    assert (caller.idempotency_key, call.if_version) == (None, None)
