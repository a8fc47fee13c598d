"""Reading cases from streams: one case, a list, NDJSON, and everything that can be wrong."""

import json
from io import BytesIO, StringIO, TextIOWrapper

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
        ('{"policy": "x", "facts": {"age": NaN}}', "NaN is no number that can be read"),
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


BAD_VALUES = [
    '{"id": "x", "policy": "p", "facts": {"age": NaN}}',
    '{"id": "x", "policy": "p", "facts": {"age": 1e9999999999999999999}}',
    '{"id": "x", "policy": "p", "facts": {"age": %s}}' % ("9" * 9_999),
    '{"id": "x", "policy": "p", "facts": {"age": 1, "age": 2}}',
]


@pytest.mark.parametrize("bad", BAD_VALUES)
def test_a_value_that_cannot_be_read_is_its_case_s_error_in_a_list_and_on_a_line(bad: str) -> None:
    good = json.dumps(CASE)
    for text in (f"[{bad}, {good}, {good}]", f"{bad}\n{good}\n{good}\n"):
        first, *others = cases(text)
        assert isinstance(first, CaseError)
        assert first.case == "x"
        assert [isinstance(other, Case) for other in others] == [True, True]


@pytest.mark.parametrize("layout", [None, 1])
def test_a_list_is_read_the_same_however_it_falls_on_the_buffer(layout: int | None) -> None:
    many = [
        {**CASE, "id": str(number), "note": "\u00e9\U0001f600" * number} for number in range(300)
    ]
    for ascii_only in (True, False):
        text = json.dumps(many, indent=layout, ensure_ascii=ascii_only)
        assert identifiers(text) == [str(number) for number in range(300)]


class Endless(StringIO):
    """A stream that goes on for ever; reading far into it is the failure."""

    def __init__(self, head: str) -> None:
        super().__init__(head + "x" * 1_000_000)
        self.taken = 0

    def read(self, size: int | None = -1) -> str:
        assert size is not None
        assert size > 0
        text = super().read(size)
        self.taken += len(text)
        return text


def test_a_malformed_list_is_reported_without_reading_on() -> None:
    stream = Endless('[\n{"a" 1},\n')
    (read,) = read_cases(stream)
    assert isinstance(read.case, CaseError)
    assert stream.taken < 100_000


def test_a_bad_first_line_is_answered_before_the_lines_after_it_are_read() -> None:
    stream = Endless('{"a" 1}\n')
    assert isinstance(next(read_cases(stream)).case, CaseError)
    assert stream.taken == 0


def test_indented_lines_after_an_unfinished_one_are_each_answered() -> None:
    assert identifiers(f'{{"id": "x",\n  {json.dumps(CASE)}\n {json.dumps(OTHER)}') == [
        None,
        "a",
        "b",
    ]


def test_many_keys_and_a_repeated_one_are_read_in_one_go() -> None:
    facts = ", ".join(f'"{number}": 1' for number in range(50_000))
    (error,) = cases(f'{{"policy": "p", "facts": {{{facts}, "7": 2}}}}')
    assert "'7' is given twice" in str(error)


def test_text_that_is_not_utf_8_is_an_error_and_not_another_patient() -> None:
    stream = TextIOWrapper(
        BytesIO(b'{"id": "M\xfcller", "policy": "p", "facts": {}}'), "utf-8", "surrogateescape"
    )
    (read,) = read_cases(stream)
    assert "not UTF-8" in str(read.case)


@pytest.mark.parametrize("key", ["On", "date", "as_of", "Facts", "readings", "polcy", "version"])
def test_a_misnamed_key_is_refused(key: str) -> None:
    (error,) = cases(json.dumps({**CASE, key: "2022-09-01"}))
    assert isinstance(error, CaseError)
    assert f"unknown key {key!r}" in str(error)


def test_other_keys_are_left_to_the_caller() -> None:
    (case,) = cases(json.dumps({**CASE, "title": "a title", "expected": {"outcome": "deny"}}))
    assert isinstance(case, Case)


def test_a_slip_in_a_case_over_many_lines_is_one_error_with_its_line() -> None:
    text = json.dumps({**CASE, "facts": {"regimen": ["ixazomib", "dexamethasone"]}}, indent=2)
    slips = (text.replace('"2025-09-15",', '"2025-09-15"'), text.replace('sone"\n', 'sone",\n'))
    for slip, line in zip(slips, (5, 9), strict=True):
        (error,) = cases(slip)
        assert isinstance(error, CaseError)
        assert f"(line {line})" in str(error)


def test_two_broken_lines_are_two_errors() -> None:
    broken = json.dumps(CASE).replace("}}", "},}")
    assert identifiers(f"{broken}\n{broken}\n{json.dumps(OTHER)}\n") == [None, None, "b"]


@pytest.mark.parametrize("before", [1, 3_000])
def test_an_error_in_a_list_names_the_line_of_the_file(before: int) -> None:
    good = json.dumps(CASE)
    lines = ["", "[", *[f"{good},"] * before, '{"policy": "y" "facts": {}}', "]"]
    *_, last = read_cases(StringIO("\n".join(lines)))
    assert last.place == f"case {before + 1}"
    assert f"(line {before + 3})" in str(last.case)


def test_a_missing_comma_is_said_after_the_case_it_is_missing_after() -> None:
    read = list(read_cases(StringIO(f"[{json.dumps(CASE)} {json.dumps(OTHER)}]")))
    assert [one.place for one in read] == ["case 1", "after case 1"]
    assert isinstance(read[0].case, Case)


def test_numbers_in_a_list_are_each_an_error_wherever_the_buffer_ends() -> None:
    found = cases("[" + "1234, " * 30_000 + json.dumps(CASE) + "]")
    assert len(found) == 30_001
    assert isinstance(found[-1], Case)
