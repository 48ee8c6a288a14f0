"""Lists of chat sessions hold what their filter says."""

import pytest
from support.chat_lists import listed, numbers

from app.faces.superoffice.lists.odata import MAX_CONDITIONS, MAX_VALUES
from app.queries.views import Views


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rating eq 5", [1]),
        ("RATING Equals 5", [1]),
        ("rating = -2", [3]),
        ("rating set '5'", [1]),
        ("rating ne 0", [1, 2, 3]),
        ("rating unequals 5", [2, 3, 4, 5]),
        ("rating lt 0", [3]),
        ("rating less 1", [3, 4, 5]),
        ("rating le 1", [2, 3, 4, 5]),
        ("rating gt 1", [1]),
        ("rating greater 0", [1, 2]),
        ("rating ge 1.0", [1, 2]),
        ("rating between (0,1)", [2, 4, 5]),
        ("rating oneOf (5,1,99)", [1, 2]),
        ("rating NotOneOf (5,1)", [3, 4, 5]),
        ("rating gt -9223372036854775808 and rating lt 9223372036854775807", [1, 2, 3, 4, 5]),
        ("chatSessionId in (2,4)", [2, 4]),
        ("chatTopicId eq 3", [1]),
        ("chatTopic/chatTopicId eq 3", [1]),
        ("queueLength eq 4", [3]),
        ("personId eq 8", [1]),
        ("personId ne 8", [2, 3, 4, 5]),
        ("personId eq null", [2, 3, 4, 5]),
        ("personId ne null", [1]),
        ("personId isNotNull", [1]),
        ("not (personId eq 8)", [2, 3, 4, 5]),
        ("personId notOneOf (8,9)", [2, 3, 4, 5]),
        ("firstMessage contains 'HELLO'", [1, 2, 4]),
        ("contains(firstMessage,'hello') eq true", [1, 2, 4]),
        ("substringof('hello',firstMessage) eq false", [3, 5]),
        ("startswith(firstMessage,'hello')", [1, 2]),
        ("endswith(firstMessage,'OFF_')", [1]),
        ("firstMessage contains '%'", [1]),
        ("firstMessage contains '_'", [1]),
        ("firstMessage contains '\\'", [2]),
        ("firstMessage contains ''''", [1, 4]),
        ("firstMessage begins 'hello'", [1, 2]),
        ("firstMessage notBegins 'hello'", [3, 4, 5]),
        ("firstMessage notContains 'hello'", [3, 5]),
        ("text is 'hello BACK\\slash'", [2]),
        ("text isNot 'hello BACK\\slash'", [1, 3, 4, 5]),
        ("text in ('a ''QUOTED'' hello', 'x')", [4]),
        ("text between ('A','B')", [4]),
        ("lastMessage is ''", [2]),
        ("lastMessage eq null", [1, 3, 4, 5]),
        ("text is ''' OR 1=1 --'", []),
        ("text is '''; DROP TABLE chat_session_entity; --'", []),
        ("person/firstName is 'SØREN'", [1]),
        ("contact/name begins 'ac'", [2]),
        ("agent is 'Kim K' or agent is 'lee'", [2, 3]),
        ("associateId associateIsOneOf (6,7)", [2, 3]),
        ("associateId associateIsNotOneOf (6)", [1, 2, 4, 5]),
        ("associateId currentAssociate", [2]),
        ("associate/ejUserId eq 70", [2]),
        ("status eq 4", [1]),
        ("status is 'closed'", [2]),
        ("status set InQueue", [1]),
        ("status is 'Waiting'", [1]),
        ("status oneOf (4,'Closed',Finished)", [1, 2, 3]),
        ("status notOneOf (4,9)", [3, 4, 5]),
        ("status ne 0", [1, 2, 3]),
        ("type is 'chat'", [1, 2, 3, 4, 5]),
        ("date date '2026-11-21'", [1, 2]),
        ("whenRequested eq 2026-11-21", [1, 2]),
        ("whenRequested ne '2026-11-21'", [3, 4, 5]),
        ("whenRequested before '2026-11-21'", [3, 4]),
        ("whenRequested beforeOrEqual '2026-11-21'", [1, 2, 3, 4]),
        ("whenRequested after '2026-11-20'", [1, 2]),
        ("whenRequested after '2026-11-21'", []),
        ("whenRequested gt '2026-11-21T00:30:00Z'", [1]),
        ("whenRequested ge '2026-11-21T01:30:00+01:00'", [1, 2]),
        ("whenRequested afterTime datetime'2026-11-21T08:00:00'", [1]),
        ("whenRequested dateTime '2026-10-31T12:00:00.0000001'", [3]),
        ("whenRequested dateTime '2026-10-31T12:00:00'", []),
        ("whenRequested between ('2025-12-31','2026-10-31')", [3, 4]),
        ("whenRequested dateBetween ('2026-10-31','2026-11-21T00:30:00Z')", [2, 3]),
        ("whenRequested eq null", [5]),
        ("whenRequested ne null", [1, 2, 3, 4]),
        ("whenRequested lt '0001-01-02'", []),
        ("whenRequested le '9999-12-31'", [1, 2, 3, 4]),
        ("whenRequested today", [1, 2]),
        ("whenRequested beforeToday", [3, 4]),
        ("not (whenRequested today)", [3, 4, 5]),
        ("whenRequested lastMonth", [3]),
        ("whenRequested lastYear", [4]),
        ("this(whenRequested,year)", [1, 2, 3]),
        ("previous(whenRequested,1,month)", [3]),
        ("thisAndPrevious(whenRequested,1,6)", [1, 2, 3, 4]),
        ("next(whenRequested,10000,years)", []),
        ("timeInQueue eq 90", [2]),
        ("timeInQueue eq 0", [3]),
        ("timeInQueue eq null", [1, 4, 5]),
        ("duration eq 600", [2]),
        ("registeredDate date '2026-01-01'", [1, 2, 3, 4, 5]),
        ("registeredDate gt '2026-01-01T03:00:00'", [4, 5]),
        ("registeredDate eq '2026-01-01T03:00:00.0000001'", []),
        ("registeredDate before '9999-12-31'", [1, 2, 3, 4, 5]),
        ("registeredDate after '0001-01-01'", [1, 2, 3, 4, 5]),
        ("updatedDate after '2026-01-02'", [2, 5]),
        ("updatedDate le '9999-12-31'", [1, 2, 3, 4, 5]),
        ("getAllRows eq true", [1, 2, 3, 4, 5]),
        ("getNoRows set true", []),
        ("getNoRows eq true or rating eq 5", [1]),
        ("recordTypeText eq 'chat' and rating eq 5", [1]),
        ("rating eq 5 or rating eq 1 and status eq 4", [1]),
        ("(rating eq 5 or rating eq 1) and status eq 9", [2]),
        ("not (personId gt 3 and rating eq 5) and not rating eq 0", [2, 3]),
    ],
)  # fmt: skip
async def test_a_list_holds_what_its_filter_says(
    samples: Views, text: str, expected: list[int]
) -> None:
    assert numbers(await listed(samples, [("$filter", text)])) == expected


async def test_long_and_deep_filters_are_answered(samples: Views) -> None:
    deep = "rating eq 5"
    for _ in range(32):
        deep = f"not ({deep})"
    assert numbers(await listed(samples, [("$filter", deep)])) == [1]
    many = " or ".join(["text contains 'x'"] * MAX_CONDITIONS)
    assert numbers(await listed(samples, [("$filter", many)])) == []
    members = ",".join(["5"] * MAX_VALUES)
    assert numbers(await listed(samples, [("$filter", f"rating in ({members})")])) == [1]
