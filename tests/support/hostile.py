"""Input that no friend sends: bodies, fields, conditions, targets and framing, each with a name."""

from collections.abc import Iterable

from msgspec import Struct

MEBIBYTE = 1024 * 1024
CHAT = b"/api/v1/ChatSession"
Headers = tuple[tuple[bytes, bytes], ...]


class Route(Struct, frozen=True):
    """A documented command, with a member that holds a text and a body that would be welcome."""

    method: str
    path: bytes
    member: str
    welcome: bytes
    longest: int


ROUTES = {
    "new session": Route("POST", b"/ai/sessions", "purpose", b"{}", 65_536),
    "patch session": Route(
        "PATCH", b"/ai/sessions/{session}", "purpose", b'{"purpose":"p"}', 65_536
    ),
    "new account": Route("POST", b"/accounts", "name", b'{"name":"n"}', 255),
    "patch account": Route("PATCH", b"/accounts/{account}", "name", b'{"name":"n"}', 255),
    "new chat": Route("POST", CHAT, "CustomerName", b"{}", 255),
    "put chat": Route("PUT", CHAT + b"/{chat}", "CustomerName", b'{"Rating":1}', 255),
}


class Body(Struct, frozen=True):
    """A body for every route; `%s` stands for the route's member with a text in it."""

    body: bytes
    names_member: bool = False
    """Whether the refusal must say which member is at fault."""
    chats_take_it: bool = False
    """Whether it is welcome on chat sessions."""

    def of(self, route: Route) -> bytes:
        """The body that goes to a route."""
        member = route.member.encode()
        return self.body.replace(b"MEMBER", member).replace(b"LONG", b"x" * (route.longest + 1))


BODIES = {
    "cut off": Body(b"{"),
    "cut off in a string": Body(b'{"MEMBER":"a'),
    "something after it": Body(b'{"MEMBER":"a"}x'),
    "two values": Body(b'{"MEMBER":"a"}{"MEMBER":"b"}'),
    "a comma too many": Body(b'{"MEMBER":"a",}'),
    "single quotes": Body(b"{'MEMBER':'a'}"),
    "a comment": Body(b'{"MEMBER":"a"}//'),
    "no number": Body(b'{"MEMBER":NaN}'),
    "UTF-16": Body('{"MEMBER":"a"}'.encode("utf-16")),
    "gzip": Body(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"),
    "a form": Body(b"MEMBER=a"),
    "markup": Body(b"<MEMBER>a</MEMBER>"),
    "an array": Body(b"[]"),
    "a string": Body(b'"MEMBER"'),
    "a number": Body(b"1"),
    "true": Body(b"true"),
    "invalid UTF-8": Body(b'{"MEMBER":"a\xffb"}'),
    "overlong UTF-8": Body(b'{"MEMBER":"\xc0\xaf"}'),
    "a surrogate in UTF-8": Body(b'{"MEMBER":"\xed\xa0\x80"}'),
    "invalid UTF-8 in an unknown member": Body(b'{"MEMBER":"a","other":"\xff"}'),
    "invalid UTF-8 in a name": Body(b'{"MEMBER":"a","\xff":1}'),
    "half a surrogate pair": Body(b'{"MEMBER":"\\ud800"}', names_member=True),
    "the other half": Body(b'{"MEMBER":"\\udc00x"}', names_member=True),
    "a bare NUL": Body(b'{"MEMBER":"a\0b"}'),
    "a bare line end": Body(b'{"MEMBER":"a\nb"}'),
    "an escaped NUL": Body(b'{"MEMBER":"a\\u0000b"}', names_member=True),
    "an escaped NUL after a backslash": Body(b'{"MEMBER":"a\\\\\\u0000b"}', names_member=True),
    "an escaped NUL in an unknown member": Body(b'{"MEMBER":"a","other":["\\u0000"]}'),
    "65 levels": Body(b'{"MEMBER":"a","other":' + b"[" * 64 + b"]" * 64 + b"}"),
    "65 levels of objects": Body(b'{"MEMBER":' * 65 + b"1" + b"}" * 65),
    "100,000 levels": Body(b"[" * 100_000 + b"]" * 100_000),
    "100,000 levels, cut off": Body(b'{"MEMBER":' + b"[" * 100_000),
    "a number for a text": Body(b'{"MEMBER":1}', names_member=True, chats_take_it=True),
    "an array for a text": Body(b'{"MEMBER":[]}', names_member=True),
    "an object for a text": Body(b'{"MEMBER":{}}', names_member=True),
    "true for a text": Body(b'{"MEMBER":true}', names_member=True),
    "a huge number for a text": Body(b'{"MEMBER":' + b"9" * 400 + b"}"),
    "a number with a huge exponent": Body(b'{"MEMBER":1e999}', names_member=True),
    "too long a text": Body(b'{"MEMBER":"LONG"}', names_member=True),
    "a mebibyte and more": Body(b'{"MEMBER":"' + b"x" * MEBIBYTE + b'"}'),
    "a mebibyte and more of blanks": Body(b'{"MEMBER":"a"' + b" " * MEBIBYTE + b"}"),
    "17 mebibytes": Body(b'{"MEMBER":"' + b"x" * 17 * MEBIBYTE + b'"}'),
}

FIELDS: list[tuple[str, bytes, str]] = [
    ("TopicId", b"2147483648", "TopicId"),
    ("Rating", b"-2147483649", "Rating"),
    ("ChatSessionId", b"9223372036854775808", "ChatSessionId"),
    ("TopicId", b"1.5", "TopicId"),
    ("TopicId", b"1e400", "TopicId"),
    ("TopicId", b'"1x"', "TopicId"),
    ("TopicId", b'""', "TopicId"),
    ("TopicId", b"true", "TopicId"),
    ("CustomerConsented", b"2", "CustomerConsented"),
    ("CustomerAlias", b'"' + b"x" * 65 + b'"', "CustomerAlias"),
    ("CustomerPhone", b'"' + b"x" * 33 + b'"', "CustomerPhone"),
    ("FirstMessage", b'"' + b"x" * 1025 + b'"', "FirstMessage"),
    ("SessionKey", b'"' + b"x" * 256 + b'"', "SessionKey"),
    ("Status", b'"Pending"', "Status"),
    ("Status", b"12", "Status"),
    ("Flags", b'"NobodyIsTyping"', "Flags"),
    ("Flags", b"-1", "Flags"),
    ("WhenEnded", b'"yesterday"', "WhenEnded"),
    ("WhenEnded", b'"2023-02-29T00:00:00"', "WhenEnded"),
    ("WhenEnded", b'"2023-02-28T24:61:00+99:00"', "WhenEnded"),
    ("WhenEnded", b"1700000000", "WhenEnded"),
    ("User", b"[]", "User"),
    ("Contact", b'{"ContactId":"123x"}', "Contact.ContactId"),
    ("Contact", b'{"ContactId":3000000000}', "Contact.ContactId"),
    ("Contact", b'{"Name":"' + b"x" * 4001 + b'"}', "Contact.Name"),
    ("Contact", b'{"Address":{"LocalizedAddress":[[[]]]}}', "LocalizedAddress"),
    ("Sale", b'{"Amount":1e999}', "Sale.Amount"),
    ("Ticket", b'{"CreatedAt":"soon"}', "Ticket.CreatedAt"),
    ("Person", b'{"Firstname":"\\u0000"}', "Firstname"),
    ("topicId", b'1,"TOPICID":2', "TopicId"),
]
"""Of a chat session: a member, its value, and what the refusal must name."""

CONDITIONS: dict[str, tuple[Headers, str]] = {
    "two keys": (((b"Idempotency-Key", b"a"), (b"Idempotency-Key", b"b")), "idempotency-key"),
    "one key twice": (((b"Idempotency-Key", b"a"),) * 2, "idempotency-key"),
    "a key of 300 characters": (((b"Idempotency-Key", b"a" * 300),), "idempotency-key"),
    "a key of none": (((b"Idempotency-Key", b""),), "idempotency-key"),
    "a version that is no number": (((b"If-Match", b'"abc"'),), "if-match"),
    "an empty condition": (((b"If-Match", b""),), "if-match"),
    "two versions without a comma": (((b"If-Match", b'"1" "2"'),), "if-match"),
    "a version in Arabic digits": (((b"If-Match", "\u0663".encode()),), "if-match"),
    "a version of 5,000 digits": (((b"If-Match", b"9" * 5000),), "if-match"),
    "a quote that is not closed": (((b"If-Match", b'"1'),), "if-match"),
    "a version with an underscore": (((b"If-Match", b'"1_0"'),), "if-match"),
    "two conditions": (((b"If-Match", b'"1"'), (b"If-Match", b'"2"')), "if-match"),
    "two credentials": (((b"Authorization", b"Bearer abc"),), "authorization"),
    "two hosts": (((b"Host", b"elsewhere"),), "host"),
    "too long a correlation id": (((b"X-Correlation-Id", b"a" * 2_000),), "x-correlation-id"),
}

FRAMING: dict[str, tuple[Headers, set[int]]] = {
    "10,000 headers": (tuple((b"X-%d" % n, b"1") for n in range(10_000)), {431}),
    "a header of 100 kB": (((b"X-Long", b"1" * 100_000),), {431}),
    "two lengths": (((b"Content-Length", b"3"),), {400}),
    "a length that is no number": (((b"Content-Length", b"+4"),), {400}),
    "a space before the colon": (((b"X-Odd ", b"1"),), {400}),
    "a NUL in a header": (((b"X-Odd", b"a\0b"),), {400}),
}
"""Headers, and the status; the server may refuse them before a face is asked."""

TARGETS: list[tuple[str, bytes, int]] = [
    ("GET", b"/ai/sessions/01a1fe08-021c-7204-a45b-b9794c52f30f", 404),
    ("PATCH", b"/ai/sessions/01a1fe08-021c-7204-a45b-b9794c52f30f", 404),
    ("DELETE", b"/ai/sessions/01a1fe08-021c-7204-a45b-b9794c52f30f", 404),
    ("PATCH", b"/ai/sessions/nothing-like-a-uuid", 404),
    ("PATCH", b"/ai/sessions/%7B01a1fe08-021c-7204-a45b-b9794c52f30f%7D", 404),
    ("PATCH", b"/ai/sessions/" + b"9" * 4_000, 404),
    ("GET", b"/ai/sessions/%00", 404),
    ("PATCH", b"/ai/sessions/%ff%fe", 404),
    ("PATCH", b"/ai/sessions/%zz%", 404),
    ("PATCH", b"/ai/sessions/%2e%2e%2f", 404),
    ("PATCH", b"/accounts/nobody", 404),
    ("PATCH", b"/accounts/a%00b", 404),
    ("GET", b"/accounts/" + b"a" * 7_000, 404),
    ("GET", CHAT + b"/2147483647", 404),
    ("PUT", CHAT + b"/0", 404),
    ("PUT", CHAT + b"/-1", 404),
    ("PUT", CHAT + b"/2147483648", 400),
    ("PUT", CHAT + b"/--1", 400),
    ("GET", CHAT + b"/-", 400),
    ("PUT", CHAT + b"/1.0", 400),
    ("PUT", CHAT + b"/one", 400),
    ("PUT", CHAT + b"/%D9%A1", 400),
    ("PUT", CHAT + b"/" + b"9" * 4_000, 400),
    ("PUT", CHAT + b"/%ff", 400),
    ("PUT", CHAT + b"/%zz", 400),
    ("PUT", CHAT + b"/1%00", 400),
    ("PUT", CHAT + b"/1?$select=%ff", 400),
    ("POST", CHAT + b"?$select=%c0%af", 400),
    ("GET", CHAT + b"/1/nothing/here", 404),
    ("PATCH", b"/ai/sessions/x?purpose=%ff", 400),
    ("PATCH", b"/ai/sessions/x?purpose=%00", 400),
    ("POST", b"/api/NewAISession?purpose=%c0%af", 400),
    ("POST", b"/api/NewAISession?%ff=1", 400),
    ("POST", b"/api/NewAISession?" + b"&".join([b"a=1"] * 1_001), 400),
    ("POST", b"/ai/sessions/x?x-http-method-override=%ff", 400),
    ("GET", b"/ai/sessions?specificIds=%00", 400),
    ("GET", b"/ai/sessions?accountIds=[a", 400),
    ("GET", b"/ai/sessions?accountIds=%22a", 400),
    ("GET", b"/ai/sessions?accountIds=" + b"[" * 100, 400),
    ("GET", b"/ai/sessions?page=0x1", 400),
    ("POST", b"/api/NewAISession%00", 404),
    ("POST", b"/api/NewAISession[", 404),
    ("POST", b"/api/NewAISession[][]", 404),
    ("POST", b"/api/%ff", 404),
    ("POST", b"/json/reply/", 404),
    ("POST", b"/ai", 404),
    ("POST", b"/ai/sessions/a/b/c/d", 404),
    ("GET", b"/api/v1/Nothing", 404),
    ("GET", b"/nothing", 404),
    ("GET", b"/" + b"a/" * 2_000, 404),
    ("POST", b"/ai/sessions?" + b"a" * 9_000, 414),
    ("POST", CHAT + b"?" + b"a" * 9_000, 414),
]

WRONG_METHODS: list[tuple[str, bytes, set[str]]] = [
    ("PUT", b"/ai/sessions", {"GET", "HEAD", "POST"}),
    ("POST", b"/ai/sessions/x", {"GET", "HEAD", "PATCH", "DELETE"}),
    ("DELETE", b"/accounts", {"GET", "HEAD", "POST"}),
    ("PUT", b"/accounts/x", {"GET", "HEAD", "PATCH"}),
    ("DELETE", CHAT, {"GET", "HEAD", "POST"}),
    ("POST", CHAT + b"/1", {"GET", "HEAD", "PUT", "PATCH", "DELETE"}),
    ("BREW", CHAT + b"/1", {"GET", "HEAD", "PUT", "PATCH", "DELETE"}),
    ("GET", CHAT + b"/Pickup", {"POST"}),
    ("POST", CHAT + b"/ForCurrentUser", {"GET", "HEAD"}),
    ("DELETE", CHAT + b"/1/Messages", {"GET", "HEAD", "POST"}),
    ("PUT", CHAT + b"/1/Transcript", {"POST"}),
    ("GET", b"/api/v1/Agents/Chat/GetChatSessionEntity", {"POST"}),
    ("TRACE", b"/ai/sessions", {"GET", "HEAD", "POST"}),
    ("DELETE", b"/ai/sessions/x/apply", {"POST"}),
    ("GET", b"/ai/sessions/x/actions", {"POST", "DELETE"}),
    ("GET", b"/api/NewAISession", {"POST"}),
    ("PATCH", b"/api/NewAISession[]", {"POST"}),
]


def in_pieces(body: bytes, size: int = 65_536) -> Iterable[bytes]:
    """A body cut up for chunks."""
    return (body[start : start + size] for start in range(0, len(body), size))
