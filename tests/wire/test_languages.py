"""The DTOs as generated in each language, from the classes that are served."""

import ast
import re

import msgspec
import pytest

from app.faces.docs.dtos import dtos
from app.faces.docs.metadata_types import metadata_types
from app.faces.evo.wire.api import API
from app.faces.evo.wire.description import FRAMEWORK, ClassDescription, classes, closure
from app.faces.evo.wire.languages import LANGUAGES
from app.faces.evo.wire.languages.language import Language
from app.faces.evo.wire.requests import ListAISessions

URL = "https://sessions.example"
PASCAL_CASE = ("csharp", "fsharp")

ENTITY_INFO_IN_PYTHON = '''
@dataclass_json(letter_case=LetterCase.CAMEL, undefined=Undefined.EXCLUDE)
@dataclass
class EntityInfo:
    # @ApiMember(Description="The ID of the object")
    id: Optional[str] = None
    """
    The ID of the object
    """


    # @ApiMember(Description="The date the object was created")
    date_created: Optional[str] = None
    """
    The date the object was created
    """
'''
PATCH_IN_PYTHON = '''
# @Api(Description="Update a specific session")
@dataclass_json(letter_case=LetterCase.CAMEL, undefined=Undefined.EXCLUDE)
@dataclass
class PatchAISession(IReturn[AISessionInfo], IPatch):
    """
    Update a specific session
    """

    # @ApiMember(Description="The ID of the session you want to update")
    session_id: Optional[str] = None
    """
    The ID of the session you want to update
    """


    # @ApiMember(Description="The purpose of this session")
    purpose: Optional[str] = None
    """
    The purpose of this session
    """
'''
NEW_IN_JAVASCRIPT = """
export class NewAISession {
    /** @param {{accountId?:string,purpose?:string}} [init] */
    constructor(init) { Object.assign(this, init) }
    /**
     * @type {string}
     * @description The account ID to associate this session with */
    accountId;
    /**
     * @type {string}
     * @description The purpose for this session */
    purpose;
"""

of_each_language = pytest.mark.parametrize("language", LANGUAGES.values(), ids=LANGUAGES)


def generated(language: Language) -> list[ClassDescription]:
    return [
        kind
        for kind in classes().values()
        if kind.namespace != FRAMEWORK or not language.brings_framework_types
    ]


def in_python(*included: str) -> ast.Module:
    return ast.parse(dtos(LANGUAGES["python"], URL, included))


def classes_of(module: ast.Module) -> list[str]:
    return [node.name for node in module.body if isinstance(node, ast.ClassDef)]


def test_every_operation_is_described() -> None:
    assert {api.name for api in API} <= classes().keys()


def test_members_of_a_base_class_are_not_repeated() -> None:
    listing = classes()[ListAISessions.__name__]
    assert [member.name for member in listing.own] == ["accountIds"]
    assert listing.base == "ListRequest"


def test_a_class_comes_after_those_that_it_needs() -> None:
    seen = set[str]()
    for name, kind in classes().items():
        assert set(kind.needs) <= seen
        seen.add(name)


@of_each_language
def test_every_class_is_generated_with_every_member(language: Language) -> None:
    text = dtos(language, URL)
    for kind in generated(language):
        assert re.search(rf"\b{kind.name}\b", text), kind.name
        for member in kind.own:
            name = member.pascal if language.name in PASCAL_CASE else member.name
            spelled = member.attribute if language.name == "python" else name
            assert re.search(rf"\b{spelled}\b", text), (kind.name, spelled)


@of_each_language
def test_the_header_tells_the_address_and_the_version(language: Language) -> None:
    head = dtos(language, URL).partition("IncludeTypes")[0]
    assert f"BaseUrl: {URL}\n" in head
    assert re.search(r"Version: \d", head)


@of_each_language
def test_brackets_are_closed(language: Language) -> None:
    text = dtos(language, URL)
    assert [text.count(opening) for opening in "([{"] == [text.count(one) for one in ")]}"]


@pytest.mark.parametrize(
    ("language", "page", "nothing"),
    [
        ("python", "IReturn[ListResponse[AISessionInfo]], IGet", "IReturnVoid, IDelete"),
        ("typescript", "IReturn<ListResponse<AISessionInfo>>, IGet", "IReturnVoid, IDelete"),
        ("csharp", "IReturn<ListResponse<AISessionInfo>>, IGet", "IReturnVoid, IDelete"),
        ("java", "IReturn<ListResponse<AISessionInfo>>, IGet", "IReturnVoid, IDelete"),
        ("kotlin", "IReturn<ListResponse<AISessionInfo>>, IGet", "IReturnVoid, IDelete"),
        ("fsharp", "interface IReturn<ListResponse<AISessionInfo>>", "interface IReturnVoid"),
        ("mjs", "createResponse() { return new ListResponse() }", "createResponse() { }"),
        ("js", "createResponse() { return new ListResponse() }", "createResponse() { }"),
    ],
    ids=lambda value: value if value in LANGUAGES else "",
)
def test_a_request_says_what_it_returns(language: str, page: str, nothing: str) -> None:
    text = dtos(LANGUAGES[language], URL)
    assert page in text
    assert nothing in text


@pytest.mark.parametrize(
    "text", [ENTITY_INFO_IN_PYTHON, PATCH_IN_PYTHON], ids=["answer", "request"]
)
def test_python_is_as_documented_and_has_the_return_marker(text: str) -> None:
    assert text in dtos(LANGUAGES["python"], URL)


def test_javascript_is_as_documented() -> None:
    assert NEW_IN_JAVASCRIPT in dtos(LANGUAGES["mjs"], URL)


def test_python_compiles() -> None:
    assert set(classes_of(in_python())) == classes().keys()


def test_a_name_stands_for_that_type_alone() -> None:
    assert classes_of(in_python("PatchAISession", "EntityInfo")) == ["EntityInfo", "PatchAISession"]


def test_a_name_with_an_asterisk_stands_for_all_that_the_type_needs() -> None:
    found = classes_of(in_python("PatchAISession.*"))
    assert found == ["EntityInfo", "AISessionActionInfo", "AISessionInfo", "PatchAISession"]
    assert found == list(closure(["PatchAISession"]))


def test_metadata_types_have_every_operation_with_its_routes() -> None:
    told = msgspec.json.decode(metadata_types(URL))
    assert [operation["request"]["name"] for operation in told["operations"]] == [
        name for name, kind in classes().items() if kind.operation
    ]
    listing = next(
        operation
        for operation in told["operations"]
        if operation["request"]["name"] == "ListAISessions"
    )
    assert listing["routes"] == [{"path": "/ai/sessions", "verbs": "GET"}]
    assert listing["returnType"] == {
        "name": "ListResponse`1",
        "namespace": "Voice.Api",
        "genericArgs": ["AISessionInfo"],
    }
