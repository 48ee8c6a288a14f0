"""Why a document in XML is refused."""

import pytest

from app.codecs.json_text import BadInput
from app.codecs.xml_text import read


def refusal(body: bytes) -> str:
    with pytest.raises(BadInput, match=r"^Malformed XML: .") as refused:
        read(body)
    assert (refused.value.code, refused.value.field) == ("SerializationException", None)
    return str(refused.value)
