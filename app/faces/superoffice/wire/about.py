"""The SuperOffice-style API's self-description: its version, operations and lists."""

import msgspec

from app.faces.superoffice.lists.columns import COLUMNS, Kind, json_safe
from app.faces.superoffice.wire.agents import AGENTS
from app.faces.superoffice.wire.api import ENTITY
from app.faces.superoffice.wire.rest import REST

VERSION = "v1"
_TYPES = {Kind.NUMBER: "Int64", Kind.TRUTH: "Boolean"}
"""Types of columns that are shown unchanged; dates are texts, for only some have an offset."""


def version(base_url: str) -> dict[str, str]:
    """The answer of `GET /api`: the URL of each version, without NetServer's own members."""
    return {VERSION: f"{base_url}/api/{VERSION}", "Version": VERSION}


def write_operations(base_url: str) -> bytes:
    """The answer of `GET /api/v1`: the verbs of each URL, with a summary of each."""
    found: dict[str, dict[str, str]] = {}
    for api in (*REST, *AGENTS):
        found.setdefault(base_url + api.path, {})[api.verb] = api.summary
    return msgspec.json.encode(found)


def write_metadata() -> bytes:
    """The document at `odata.metadata`: the columns in OData's schema language (CSDL 3).

    CSDL allows no slash in a name, so the columns have their names of `$jsonSafe`.
    """
    columns = "".join(
        f'<Property Name="{json_safe(name)}" Type="Edm.{_type(name)}"/>'
        for name, column in COLUMNS.items()
        if column.selectable
    )
    return _METADATA.format(entity=ENTITY, columns=columns).encode()


def _type(name: str) -> str:
    column = COLUMNS[name]
    return _TYPES.get(column.kind, "String") if column.shown is column.raw else "String"


_METADATA = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<edmx:Edmx Version="1.0" xmlns:edmx="http://schemas.microsoft.com/ado/2007/06/edmx">'
    '<edmx:DataServices m:DataServiceVersion="3.0"'
    ' xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">'
    '<Schema Namespace="Archive" xmlns="http://schemas.microsoft.com/ado/2009/11/edm">'
    '<EntityType Name="{entity}"><Key><PropertyRef Name="PrimaryKey"/></Key>'
    '<Property Name="PrimaryKey" Type="Edm.String" Nullable="false"/>'
    '<Property Name="EntityName" Type="Edm.String" Nullable="false"/>{columns}</EntityType>'
    '<EntityContainer Name="Archives" m:IsDefaultEntityContainer="true">'
    '<EntitySet Name="ChatSession" EntityType="Archive.{entity}"/></EntityContainer>'
    "</Schema></edmx:DataServices></edmx:Edmx>"
)
