"""Reading cases from streams: one case, a list, NDJSON, and everything that can be wrong."""

import json
from io import StringIO

import pytest

from facts.case import Case
from facts.errors import CaseError, UnreadableInputError
from facts.readers import read_cases

CASE = {"id": "a", "policy": "5.21.071", "on": "2025-09-15", "facts": {"age": 67}}
OTHER = {"id": "b", "policy": "5.21.071", "facts": {}}


def cases(text: str) -> list[Case | CaseError]:
    return [read.case for read in read_cases(StringIO(text))]


def identifiers(text: str) -> list[str | None]:
    return [case.case if isinstance(case, CaseError) else case.id for case in cases(text)]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(CASE),
        json.dumps(CASE, indent=2),
        json.dumps(CASE) + "\n",
        "\n\n" + json.dumps(CASE, indent=4) + "\n\n",
        json.dumps([CASE]),
    ],
)
def test_a_single_case_is_read_however_it_is_laid_out(text: str) -> None:
    (case,) = cases(text)
    assert isinstance(case, Case)
    assert (case.id, case.policy, case.on, dict(case.facts)) == (
        "a",
        "5.21.071",
        "2025-09-15",
        {"age": 67},
    )


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([CASE, OTHER]),
        json.dumps([CASE, OTHER], indent=1),
        f"[{json.dumps(CASE)}\n,\n{json.dumps(OTHER)}]\n",
        f"{json.dumps(CASE)}\n{json.dumps(OTHER)}",
        f"{json.dumps(CASE)}\n\n{json.dumps(OTHER)}\n\n",
    ],
)
def test_lists_and_lines_keep_their_order(text: str) -> None:
    assert identifiers(text) == ["a", "b"]


def test_an_empty_list_has_no_cases() -> None:
    assert cases(" [ ] ") == []


def test_a_list_longer_than_the_read_buffer_is_read_whole() -> None:
    many = [{**CASE, "id": str(number), "note": "x" * 997} for number in range(500)]
    assert identifiers(json.dumps(many)) == [str(number) for number in range(500)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "empty"),
        ("  \n \n", "empty"),
        ("id,policy\n1,2", "expected JSON"),
        ('"a text"', "expected JSON"),
        (f"[{json.dumps(CASE)}] more", "after the end"),
    ],
)
def test_input_that_is_not_cases_is_refused_whole(text: str, expected: str) -> None:
    with pytest.raises(UnreadableInputError, match=expected):
        cases(text)


def test_a_bad_line_is_that_lines_error_and_the_others_go_on() -> None:
    read = list(read_cases(StringIO(f"{json.dumps(CASE)}\n{{bad\n{json.dumps(OTHER)}\n")))
    assert [one.place for one in read] == ["line 1", "line 2", "line 3"]
    assert isinstance(read[0].case, Case)
    assert isinstance(read[1].case, CaseError)
    assert "not JSON" in str(read[1].case)
    assert isinstance(read[2].case, Case)


def test_a_bad_first_line_does_not_hide_the_lines_after_it() -> None:
    assert identifiers(f'{{"id": "x",\n{json.dumps(CASE)}\n{json.dumps(OTHER)}') == [None, "a", "b"]


@pytest.mark.parametrize("end", ["", ", ", ", {", "] ]", " {}", ", ]"])
def test_a_list_that_breaks_off_keeps_the_cases_before_it(end: str) -> None:
    try:
        found = identifiers(f"[{json.dumps(CASE)}{end}")
    except UnreadableInputError:
        found = ["a"]
    assert found[0] == "a"
    assert len(found) <= 2


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ("[1]", "expected an object"),
        ('{"policy": 3, "facts": {}}', "policy: expected"),
        ('{"facts": {}}', "policy: expected"),
        ('{"policy": "x"}', "facts: expected"),
        ('{"policy": "x", "facts": []}', "facts: expected"),
        ('{"policy": "x", "fact": {}}', "did you mean 'facts'"),
        ('{"policy": "x", "facts": {}, "on": 2025}', "on: expected a date"),
        ('{"policy": "x", "facts": {}, "id": []}', "id: expected a text"),
        ('{"policy": "x", "policy": "y", "facts": {}}', "'policy' is given twice"),
        ('{"policy": "x", "facts": {"age": 1, "age": 2}}', "'age' is given twice"),
        ('{"policy": "x", "facts": {"age": NaN}}', "not a number of JSON"),
        ('{"policy": "x", "facts": ' + '{"a":' * 99_999 + "1", "not JSON"),
    ],
)
def test_a_case_with_a_broken_frame_says_what_was_expected(case: str, expected: str) -> None:
    (error,) = cases(case)
    assert isinstance(error, CaseError)
    assert expected in str(error)


def test_everything_wrong_with_the_frame_is_said_at_once() -> None:
    (error,) = cases('{"id": "a", "policy": 3, "on": 4, "facts": 5}')
    assert isinstance(error, CaseError)
    assert error.case == "a"
    assert len(error.problems) == 3


def test_decimals_are_read_exactly() -> None:
    (case,) = cases('{"policy": "x", "facts": {"weekly_dose_mg": 2.3}}')
    assert isinstance(case, Case)
    assert str(case.facts["weekly_dose_mg"]) == "2.3"
