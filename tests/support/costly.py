"""Inputs that cost the most for their size, by format: each a unit that is repeated."""

from collections.abc import Iterator

from msgspec import Struct

from app.codecs.limits import MAX_VALUES

MEBIBYTE = 1024 * 1024
KINDS = {
    "json": b"application/json",
    "jsv": b"text/jsv",
    "csv": b"text/csv",
    "lines": b"text/jsonl",
    "xml": b"application/xml",
    "form": b"application/x-www-form-urlencoded",
    "multipart": b"multipart/form-data; boundary=x",
}
"""The media type of each format."""
_BEFORE = b'--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n'


class Costly(Struct, frozen=True):
    """`head`, as many units as there may be, and `tail`; `%d` in a unit is its number."""

    head: bytes
    unit: bytes
    tail: bytes = b""

    def body(self, units: int) -> bytes:
        """The input with so many units."""
        if b"%d" not in self.unit:
            return self.head + self.unit * units + self.tail
        return self.head + b"".join([self.unit % n for n in range(units)]) + self.tail

    def most(self, size: int = MEBIBYTE) -> int:
        """How many units `size` bytes can hold."""
        room = size - len(self.head) - len(self.tail)
        return room // len(self.unit.replace(b"%d", b"99999"))


def sizes(costly: Costly) -> Iterator[bytes]:
    """The largest body that there is, then less and less until one is surely taken."""
    most = costly.most()
    yield costly.body(most)
    for values in (1, 2, 3, 4, 5, 25):
        units = MAX_VALUES // values - 5
        if units < most:
            yield costly.body(units)


JSON = {
    "numbers": Costly(b"[0", b",0", b"]"),
    "floats": Costly(b"[0", b",1e300", b"]"),
    "long floats": Costly(b"[0", b",1.2345678901234567e-300", b"]"),
    "digits": Costly(b'{"purpose":', b"1", b"}"),
    "digits of a fraction": Costly(b'{"purpose":0.', b"0", b"1}"),
    "digits of an exponent": Costly(b'{"purpose":1e', b"0", b"1}"),
    "digits of a page": Costly(b'{"page":"', b"1", b'"}'),
    "empty objects": Costly(b"[{}", b",{}", b"]"),
    "empty lists": Costly(b"[[]", b",[]", b"]"),
    "empty texts": Costly(b'[""', b',""', b"]"),
    "texts of an escape": Costly(b'["\\\\"', b',"\\\\"', b"]"),
    "objects": Costly(b'[{"a":0}', b',{"a":0}', b"]"),
    "objects after an escape": Costly(b'["\\n",{"a":0}', b',{"a":0}', b"]"),
    "requests": Costly(b'[{"purpose":""}', b',{"purpose":""}', b"]"),
    "requests with lists": Costly(b"[{}", b',{"accountIds":",,,,,,,,"}', b"]"),
    "long lists in requests": Costly(
        b'[{"accountIds":""}', b',{"accountIds":"' + b"," * 990 + b'"}', b"]"
    ),
    "a long list in a text": Costly(b'{"accountIds":"', b",", b'"}'),
    "objects in a member": Costly(b'{"x":[{"a":0}', b',{"a":0}', b"]}"),
    "one member twice": Costly(b'{"a":0', b',"a":0', b"}"),
    "one number twice": Costly(b'{"Sale":{"Amount":1e300', b',"Amount":1e300', b"}}"),
    "members": Costly(b'{"a":0', b',"a%d":0', b"}"),
    "members of a map": Costly(b'{"User":{"CustomFields":{"a":""', b',"a%d":""', b"}}}"),
    "lines of an address": Costly(
        b'{"Contact":{"Address":{"LocalizedAddress":[[{}]', b",[{}]", b"]}}}"
    ),
    "an object, and NUL": Costly(b'["\\u0000"', b",{}", b"]"),
    "an object, and no NUL": Costly(b'["\\\\u0000"', b",{}", b"]"),
    "floats, and NUL": Costly(b'["\\u0000"', b",1e300", b"]"),
    "NUL": Costly(b'["', b"\\u0000", b'"]'),
    "almost NUL": Costly(b'["', b"\\\\u0000", b'"]'),
    "objects, and half a pair": Costly(b'["\\ud800"', b',{"a":0}', b"]"),
    "halves of pairs": Costly(b'["', b"\\ud800", b'"]'),
    "brackets in a text": Costly(b'{"purpose":"', b"[", b'"}'),
    "commas in a text": Costly(b'{"purpose":"', b",", b'"}'),
    "colons in a text": Costly(b'{"purpose":"', b":", b'"}'),
    "quotes in a text": Costly(b'{"purpose":"', b'\\"', b'"}'),
    "backslashes in a text": Costly(b'{"purpose":"[[[[,"', b"\\\\", b'"}'),
    "backslashes": Costly(b"[", b"\\", b"]"),
    "letters of three bytes": Costly(b'{"purpose":"', b"\xe2\x82\xac", b'"}'),
    "escaped letters": Costly(b'{"purpose":"', b"\\u20ac", b'"}'),
    "a name": Costly(b'{"', b"x", b'":1,"x":1}'),
    "a name that is there twice": Costly(b'{"\\n":0,"', b"x", b'":1,"y":1,"y":2}'),
    "levels": Costly(b"", b"["),
    "levels of objects": Costly(b"", b'{"a":'),
    "closed levels": Costly(b"[" * 65, b"]"),
    "pairs of brackets": Costly(b"[" * 65, b"][", b"]"),
    "white space": Costly(b"[", b" ", b"]"),
    "white space between": Costly(b"[0", b" ,\n0", b"]"),
    "operations": Costly(b'[{"op":"test","path":"/Rank","value":0}',
        b',{"op":"test","path":"/Rank","value":0}', b"]"),
    "a path": Costly(b'[{"op":"add","value":1,"path":"/User/CustomFields', b"/a", b'"}]'),
}  # fmt: skip
JSV = {
    "commas": Costly(b"[", b",", b"]"),
    "empty objects": Costly(b"[{}", b",{}", b"]"),
    "empty lists": Costly(b"[[]", b",[]", b"]"),
    "empty texts": Costly(b'[""', b',""', b"]"),
    "objects": Costly(b"[{a:0}", b",{a:0}", b"]"),
    "requests": Costly(b"[{purpose:0}", b",{purpose:0}", b"]"),
    "members": Costly(b"{a:0", b",a%d:0", b"}"),
    "spaces": Costly(b"[", b" ,", b"]"),
    "a space": Costly(b"{purpose:", b" ", b"}"),
    "levels": Costly(b"", b"["),
    "quotes": Costly(b"{purpose:", b'"', b"}"),
    "doubled quotes": Costly(b'{purpose:"', b'""', b'"}'),
    "pretty lines": Costly(b"{a:\n", b",\n\t", b"}"),
    "lines in a text": Costly(b'{a:"', b",\n\t", b'"}'),
    "quotes, and pretty": Costly(b"{a:", b'"a', b",\n\tb:c}"),
    "a list in a text": Costly(b'{accountIds:"', b",", b'"}'),
    "JSON, and NUL": Costly(b'[{"a":"\\u0000"}', b",{}", b"]"),
    "like JSON": Costly(b'{"a":0', b",b%d:0", b"}"),
}
CSV = {
    "rows": Costly(b"purpose\n", b"1\n"),
    "empty rows": Costly(b"purpose\n", b'""\n'),
    "columns": Costly(b"a", b",a%d", b"\n"),
    "cells": Costly(b"a\n", b",", b"\n"),
    "blank lines": Costly(b"a\n", b"\n", b"a"),
    "carriage returns": Costly(b"a\n", b"\r", b"a"),
    "quotes": Costly(b'a\n"', b'""', b'"'),
    "white space": Costly(b"", b" ", b"a\n1"),
    "requests of eight": Costly(b"a,b,c,d,e,f,g,purpose\n", b"1,2,3,4,5,6,7,8\n"),
}
LINES = {
    "empty objects": Costly(b"{}\n", b"{}\n"),
    "objects": Costly(b"", b'{"purpose":""}\n'),
    "blank lines": Costly(b"", b"\n", b"{}"),
    "carriage returns": Costly(b"", b"\r", b"{}"),
    "long lines": Costly(b"{}\n", b'{"a":[' + b"0," * 499 + b"0]}\n"),
}
XML = {
    "elements": Costly(b"<ROOT>", b"<a/>", b"</ROOT>"),
    "elements with an end": Costly(b"<ROOT>", b"<a>b</a>", b"</ROOT>"),
    "elements with attributes": Costly(b"<ROOT>", b"<a b='' c='' d=''/>", b"</ROOT>"),
    "attributes": Costly(b"<ROOT", b" a%d=''", b"/>"),
    "attributes with >": Costly(b"<ROOT", b" a%d='>'", b"/>"),
    "namespaces": Costly(b"<ROOT", b" xmlns:a%d='b'", b"/>"),
    "elements with namespaces": Costly(b"<ROOT>", b"<a xmlns='b'/>", b"</ROOT>"),
    "a long namespace": Costly(b"<ROOT xmlns='" + b"n" * 1_000 + b"'>", b"<a/>", b"</ROOT>"),
    "comments": Costly(b"<ROOT>", b"<!---->", b"</ROOT>"),
    "instructions": Costly(b"<ROOT>", b"<?a?>", b"</ROOT>"),
    "entities": Costly(b"<ROOT>", b"&lt;", b"</ROOT>"),
    "characters by number": Costly(b"<ROOT>", b"&#65;", b"</ROOT>"),
    "sections": Costly(b"<ROOT>", b"<![CDATA[]]>", b"</ROOT>"),
    "line breaks": Costly(b"<ROOT>", b"\n", b"</ROOT>"),
    "levels": Costly(b"<ROOT>", b"<a>"),
    "a tag": Costly(b"<ROOT", b" ", b"/>"),
    "a name": Costly(b"<ROOT><a", b"a", b"/></ROOT>"),
    "open comments": Costly(b"<ROOT><!-- ", b"<", b""),
    "pairs of a map": Costly(
        b"<ROOT><User><CustomFields>",
        b"<KeyValueOfstringstring><Key>k%d</Key><Value/></KeyValueOfstringstring>",
        b"</CustomFields></User></ROOT>",
    ),
    "items of a batch": Costly(b"<ArrayOfROOT>", b"<ROOT/>", b"</ArrayOfROOT>"),
}
"""ROOT stands for the name of the request or the carrier."""
FORM = {
    "pairs": Costly(b"a=1", b"&a=1"),
    "empty pairs": Costly(b"a=1", b"&"),
    "pairs, as many as may be": Costly(b"&".join([b"a=1"] * 900) + b"&a=", b"x"),
    "escapes": Costly(b"purpose=", b"%41"),
    "escapes of two bytes": Costly(b"purpose=", b"%c3%a9x"),
    "escapes that are none": Costly(b"purpose=", b"%"),
    "escapes of no UTF-8": Costly(b"purpose=", b"%ff"),
    "spaces": Costly(b"purpose=", b"+"),
    "brackets": Costly(b"a", b"[b]", b"=1"),
    "open brackets": Costly(b"a", b"[", b"=1"),
    "dots": Costly(b"a", b".b", b"=1"),
    "levels": Costly(b"a=1", b"&a%d" + b".b" * 60 + b"=1"),
    "a list": Costly(b"accountIds=", b","),
    "lists": Costly(b"accountIds=a", b"&accountIds=,,,,,,,,,,,,,,,,,,,,"),
}
MULTIPART = {
    "parts": Costly(b"", _BEFORE + b"\r\n", b"--x--\r\n"),
    "almost boundaries": Costly(_BEFORE, b"\r\n--", b"\r\n--x--\r\n"),
    "headers": Costly(b"--x\r\n", b"a: b\r\n", b"\r\n\r\n--x--\r\n"),
    "parameters": Costly(_BEFORE[:-4], b"; a=b", b"\r\n\r\n\r\n--x--\r\n"),
    "a list": Costly(_BEFORE.replace(b'"a"', b'"accountIds"'), b",", b"\r\n--x--\r\n"),
}
BY_FORMAT = {
    "json": JSON, "jsv": JSV, "csv": CSV, "lines": LINES, "xml": XML, "form": FORM,
    "multipart": MULTIPART,
}  # fmt: skip
HEADER: dict[str, Costly] = {
    "commas": Costly(b"", b","),
    "names": Costly(b"a", b",a"),
    "types": Costly(b"a/b", b",a/b%d;q=0.5"),
    "parameters": Costly(b"a", b";q=1"),
    "blanks": Costly(b"a", b" ", b"b"),
    "versions": Costly(b'"1"', b',"%d"'),
    "cookies": Costly(b"a=b", b";a%d=b"),
    "equals": Costly(b"Basic ", b"="),
    "letters": Costly(b"Basic ", b"QUJD"),
    "colons": Costly(b'NO:"a"', b';NO:"b"'),
}
"""What a header may hold, or a query."""
