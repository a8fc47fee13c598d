"""`policygrounds test`: files of tests, what they show, and what is proposed where they do not."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from policygrounds import KnowledgeBase, UnknownPolicyError, UnreadableInputError
from queries.command import main
from queries.policy_tests import read_tests

FEP = "5.21.071"
REQUEST: dict[str, Any] = {
    "id": "request",
    "policy": FEP,
    "on": "2024-01-01",
    "facts": {
        "request": "initial",
        "age": 18,
        "diagnosis": "multiple_myeloma",
        "regimen": ["dexamethasone"],
        "prior_lines": 1,
    },
    "expect": {"outcome": "approve", "months": 12},
    "why": "Every item is met (Prior-Approval).",
}
AT_17: dict[str, Any] = {
    "id": "at-17",
    "like": "request",
    "facts": {"age": 17},
    "expect": {"outcome": "deny", "basis": "not_medically_necessary"},
    "why": "18 years or older (Prior-Approval.Age).",
}
ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.usefixtures("loaded_once")


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    def write(*cases: object, text: str | None = None) -> Path:
        file = tmp_path / "own.cases.json"
        file.write_text(json.dumps(cases) if text is None else text)
        return file

    return write


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["test", *map(str, arguments)])


def faults(file: Path) -> list[str]:
    return [f"{fault.case}: {fault.message}" for fault in read_tests(file)[1]]


# --- Outcomes -------------------------------------------------------------------------------


def test_the_packaged_policies_pass_and_are_covered(kb: KnowledgeBase) -> None:
    result = run(FEP)
    assert result.exit_code == 0, result.output
    assert "33 passed" in result.output
    assert "version 2024-01-01: 100% covered, 47 of 47" in result.output
    assert "not covered" not in result.output
    assert kb.test(FEP, propose=False).passes()


def test_a_case_with_another_outcome_is_shown_with_both_and_the_sections(
    written: Callable[..., Path],
) -> None:
    wrong = AT_17 | {"expect": {"outcome": "approve", "months": 12, "needs_clinician": False}}
    result = run(FEP, "--cases", written(REQUEST, wrong), "--least", 0)
    assert result.exit_code == 1
    assert "1 passed, 1 failed" in result.output
    shown = result.output[result.output.index("FAIL") : result.output.index("version 2024-01-01: ")]
    assert [line.strip() for line in shown.splitlines()] == [
        "FAIL  at-17, version 2024-01-01 (Policy)",
        "outcome: expected approve, got deny",
        "months: expected 12, got none",
        "needs_clinician: expected false, got true",
        "18 years or older (Prior-Approval.Age).",
        "",
    ]


def test_a_case_that_fails_covers_nothing(written: Callable[..., Path], kb: KnowledgeBase) -> None:
    def covered(*cases: object) -> int:
        (policy,) = kb.test(FEP, cases=written(*cases), propose=False).policies
        return sum(each.state == "covered" for each in policy.coverage[0].covered)

    assert covered(REQUEST) > 0
    assert covered(REQUEST | {"expect": {"outcome": "deny"}}) == 0


def test_a_case_takes_over_what_the_one_it_is_like_says(written: Callable[..., Path]) -> None:
    read = REQUEST | {"readings": {"in_combination_with": "exactly"}}
    other = AT_17 | {"facts": {"age": None, "prior_lines": 2}, "on": ["2024-01-01", "2025-01-01"]}
    tests, wrong = read_tests(written(read, other))
    assert not wrong
    assert [(test.id, test.case.on) for test in tests] == [
        ("request", "2024-01-01"),
        ("at-17", "2024-01-01"),
        ("at-17", "2025-01-01"),
    ]
    assert tests[1].case.facts == REQUEST["facts"] | {"age": None, "prior_lines": 2}
    assert tests[1].readings == {"in_combination_with": "exactly"}
    assert tests[1].case.policy == FEP


@pytest.mark.parametrize(
    ("expect", "passes"),
    [
        ({"outcome": "approve"}, True),
        ({"outcome": "approve", "months": [12]}, True),
        ({"outcome": "approve", "months": 6}, False),
        ({"outcome": "approve", "basis": "medically_necessary", "refer_to": []}, True),
        ({"outcome": "approve", "pathway": "Prior-Approval", "quantity": None}, True),
        ({"outcome": "approve", "quantity": "3 mLs in 28 days"}, False),
        ({"outcome": "approve", "pathway": "Renewal"}, False),
        ({"outcome": "approve", "problems": []}, True),
        ({"outcome": "approve", "deciding_sections": ["Prior-Approval"]}, True),
        ({"outcome": "approve", "unknown_that_matter": ["age"]}, False),
        ({"outcome": "approve", "possible": "approve", "needs_clinician": False}, True),
    ],
)
def test_each_part_that_is_expected_is_compared(
    written: Callable[..., Path], kb: KnowledgeBase, expect: object, *, passes: bool
) -> None:
    report = kb.test(FEP, cases=written(REQUEST | {"expect": expect}), propose=False)
    assert report.passes(0) is passes


def test_a_case_under_a_reading_is_decided_under_it(
    written: Callable[..., Path], kb: KnowledgeBase
) -> None:
    strict = AT_17 | {
        "facts": {"regimen": ["lenalidomide", "dexamethasone"]},
        "readings": {"in_combination_with": "exactly"},
    }
    assert kb.test(FEP, cases=written(REQUEST, strict), propose=False).passes(0)


# --- Coverage and proposals -----------------------------------------------------------------


def test_what_is_not_covered_is_listed_with_a_case_that_would(written: Callable[..., Path]) -> None:
    result = run(FEP, "--cases", written(REQUEST, AT_17))
    assert result.exit_code == 1
    lines = [line.strip() for line in result.output.splitlines()]
    place = lines.index(
        "not covered: Prior-Approval.a not met; it takes a settled case that does not meet "
        "Prior-Approval.a, with another outcome were Prior-Approval.a met"
    )
    shown = json.loads(lines[place + 1].removeprefix("would do: "))
    assert shown["facts"]["prior_lines"] == 0
    assert shown["expect"] == {"outcome": "deny", "basis": "not_medically_necessary"}
    assert "not covered: Prior-Approval.Age age 17 | 18" not in result.output


def test_the_bar_can_be_set_lower(written: Callable[..., Path]) -> None:
    file = written(REQUEST, AT_17)
    assert run(FEP, "--cases", file, "--least", 20).exit_code == 0
    assert run(FEP, "--cases", file, "--least", 90).exit_code == 1
    assert run(FEP, "--cases", file, "--least", 101).exit_code == 2


def test_the_cases_proposed_pass_and_cover_everything(
    written: Callable[..., Path], tmp_path: Path
) -> None:
    suggested = tmp_path / "suggested.cases.json"
    assert run(FEP, "--cases", written(REQUEST), "--suggest", suggested).exit_code == 1
    proposals = json.loads(suggested.read_text())
    assert all(case["why"].startswith("To be confirmed against the text.") for case in proposals)
    own = [REQUEST, *proposals]
    result = run(FEP, "--cases", written(*own))
    assert result.exit_code == 0, result.output


def test_with_nothing_left_to_propose_the_file_is_an_empty_list(tmp_path: Path) -> None:
    suggested = tmp_path / "suggested.cases.json"
    assert run(FEP, "--suggest", suggested).exit_code == 0
    assert suggested.read_text() == "[]\n"


def test_proposals_are_written_to_a_new_file_alone(written: Callable[..., Path]) -> None:
    file = written(REQUEST)
    before = file.read_text()
    result = run(FEP, "--cases", file, "--suggest", file)
    assert result.exit_code == 2
    assert result.output == (
        f"policygrounds: --suggest {file}: it is there already; name a new file\n"
    )
    assert file.read_text() == before
    result = run(FEP, "--suggest", "/nowhere/new.json")
    assert result.exit_code == 2
    assert result.output.startswith("policygrounds: /nowhere/new.json: cannot be written: ")


def test_json_gives_an_object_a_policy(written: Callable[..., Path]) -> None:
    wrong = AT_17 | {"expect": {"outcome": "approve"}}
    result = run(FEP, "--cases", written(REQUEST, wrong), "--json")
    assert result.exit_code == 1
    (line,) = result.output.splitlines()
    answer = json.loads(line)
    assert answer["policy"] == FEP
    assert answer["passed"] == 1
    (failed,) = answer["failed"]
    assert failed["id"] == "at-17"
    assert failed["mismatches"] == [{"part": "outcome", "expected": "approve", "got": "deny"}]
    assert failed["sections"] == ["Policy"]
    (coverage,) = answer["coverage"]
    assert coverage["version"] == "2024-01-01"
    states = {item["state"] for item in coverage["items"]}
    assert states == {"covered", "not covered", "cannot be covered: proved"}
    assert coverage["proposals"]


def test_a_policy_of_ones_own_is_tested_by_the_files_beside_it(tmp_path: Path) -> None:
    policy = next((ROOT / "kb" / "policies" / "fep").glob("*.lp")).read_text()
    (tmp_path / "own.lp").write_text(policy.replace(FEP, "OWN-1"))
    request = REQUEST | {"policy": "OWN-1"}
    (tmp_path / "own.cases.json").write_text(json.dumps([request, AT_17]))
    result = run("--kb", tmp_path, "--least", 10)
    assert result.exit_code == 0, result.output
    assert "OWN-1, Ninlaro (ixazomib): 2 passed" in result.output


def test_a_policy_without_tests_is_not_covered(tmp_path: Path) -> None:
    policy = next((ROOT / "kb" / "policies" / "fep").glob("*.lp")).read_text()
    (tmp_path / "own.lp").write_text(policy.replace(FEP, "OWN-1"))
    result = run("--kb", tmp_path)
    assert result.exit_code == 1
    assert "0 passed" in result.output
    assert "version 2024-01-01: 0% covered, 0 of 47" in result.output


# --- Wrong input ----------------------------------------------------------------------------

WRONG: list[tuple[dict[str, Any], str]] = [
    (
        {"expects": {}},
        ("unknown key 'expects'; did you mean 'expect'?; the keys are id, like, policy, on, facts, "
        "readings, expect, why"),
    ),
    ({"on": None}, "on: expected the date to decide for, or a list of dates"),
    ({"on": "2024-13-01"}, "on: expected a date such as 2025-09-15"),
    ({"on": [None]}, "on: expected the date to decide for, or a list of dates"),
    ({"on": ["2024-01-01", 5]}, "on: expected a date such as 2025-09-15"),
    ({"facts": []}, "facts: expected an object"),
    ({"readings": {"x": 1}}, "readings: expected an object from readings to choices"),
    (
        {"expect": {}},
        'expect: expected an object with the outcome, such as {"outcome": "approve", "months": 6}',
    ),
    (
        {"expect": {"outcome": "aprove"}},
        "expect: the outcome is one of approve, refer, deny, pend; did you mean 'approve'?",
    ),
    (
        {"expect": {"outcome": "approve", "month": 6}},
        ("expect: unknown key 'month'; did you mean 'months'?; the keys are outcome, possible, "
        "basis, pathway, months, quantity, refer_to, deciding_sections, unknown_that_matter, "
        "needs_clinician, problems"),
    ),
    *(
        (
            {"expect": {"outcome": "approve", part: value}},
            f"expect: {part}: expected {said}, or a list of them",
        )
        for part, value, said in (
            ("months", {"at_least": 1}, "a whole number"),
            ("months", 1.5, "a whole number"),
            ("months", 10**10, "a whole number"),
            ("months", [6, True], "a whole number"),
            ("quantity", "3 capsules", 'words such as "3 capsules in 28 days"'),
            ("quantity", 3, 'words such as "3 capsules in 28 days"'),
            ("needs_clinician", "yes", "true or false"),
            ("refer_to", 7, "a text"),
            ("basis", [["investigational"]], "a text"),
        )
    ),
    ({"why": " "}, "why: expected a sentence on what the text says, with its section"),
    ({"like": "reqest"}, "like: no case 'reqest' stands before this one in the file; did you mean 'request'?"),
    ({"policy": 7}, 'policy: expected the number of a policy, such as "CP.PHAR.302"'),
]  # fmt: skip


@pytest.mark.parametrize(("change", "message"), WRONG)
def test_a_case_that_cannot_be_read_is_named_with_what_to_do(
    written: Callable[..., Path], change: dict[str, Any], message: str
) -> None:
    file = written(REQUEST, REQUEST | {"id": "wrong"} | change, AT_17)
    tests, _ = read_tests(file)
    assert f"wrong: {message}" in faults(file)
    assert [test.id for test in tests] == ["request", "at-17"]


def test_all_that_is_wrong_with_a_case_is_said_at_once(written: Callable[..., Path]) -> None:
    file = written({"id": "empty"})
    assert faults(file) == [
        "empty: on: expected the date to decide for, or a list of dates",
        "empty: why: expected a sentence on what the text says, with its section",
        (
            'empty: expect: expected an object with the outcome, such as {"outcome": "approve", '
            '"months": 6}'
        ),
    ]


@pytest.mark.parametrize("months", ['{"at_least": 1.5}', "1e99999999", "1e-99999999", "NaN"])
def test_no_number_that_is_expected_stops_or_delays_the_tests(
    written: Callable[..., Path], months: str
) -> None:
    text = json.dumps([REQUEST]).replace('"months": 12', f'"months": {months}')
    assert faults(written(text=text)) == [
        "request: expect: months: expected a whole number, or a list of them"
    ]


def test_a_case_like_one_that_cannot_be_read_is_not_run(written: Callable[..., Path]) -> None:
    file = written({**REQUEST, "why": ""}, AT_17)
    assert faults(file)[1:] == [
        "at-17: like: case 'request' cannot be read itself",
        "at-17: on: expected the date to decide for, or a list of dates",
    ]


def test_an_id_used_twice_and_one_left_out_are_said(written: Callable[..., Path]) -> None:
    nameless = {key: value for key, value in REQUEST.items() if key != "id"}
    assert faults(written(REQUEST, REQUEST, nameless, 5)) == [
        "request: the id is used before; give each case its own",
        '3 of the list: id: expected a text that says what the case shows, such as "age-17"',
        '4 of the list: expected an object with "id", "facts", "expect" and "why"',
    ]


def test_a_key_given_twice_is_said(written: Callable[..., Path]) -> None:
    text = json.dumps([REQUEST]).replace('"age": 18', '"age": 18, "age": 80')
    assert faults(written(text=text)) == ["request: 'age' is given twice"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON: Expecting value (line 1, column 1)"),
        ('[{"id": 1}', "not JSON: Expecting ',' delimiter (line 1, column 11)"),
        ("{}", 'expected a list of cases: [{"id": ..., "expect": {...}, "why": ...}]'),
        ("[" * 100_000, "maximum recursion depth exceeded"),
    ],
)
def test_a_file_that_cannot_be_read_is_said(
    written: Callable[..., Path], text: str, message: str
) -> None:
    (fault,) = faults(written(text=text))
    assert fault.startswith(f"None: {message}")


def test_a_file_that_is_not_utf_8_or_no_file_is_said(tmp_path: Path) -> None:
    file = tmp_path / "own.cases.json"
    file.write_bytes(b'[{"id": "\xff"}]')
    assert faults(file) == ["None: the text is not UTF-8"]
    assert faults(tmp_path) == ["None: this is no regular file"]


def test_facts_readings_and_dates_that_do_not_fit_fail_their_case_alone(
    written: Callable[..., Path], kb: KnowledgeBase
) -> None:
    cases = [
        REQUEST,
        AT_17 | {"id": "fact", "facts": {"agee": 17}},
        AT_17 | {"id": "date", "on": "2020-01-01"},
        AT_17 | {"id": "reading", "readings": {"other_use": "all_four"}},
    ]
    (policy,) = kb.test(FEP, cases=written(*cases), propose=False).policies
    assert [each.error for each in policy.checked] == [
        None,
        "fact 'agee' is not in the vocabulary; did you mean 'age'?",
        "policy 5.21.071: no version covers 2020-01-01; its versions are 2024-01-01 to now",
        "policy 5.21.071: no reading 'other_use'",
    ]
    result = run(FEP, "--cases", written(*cases))
    assert result.exit_code == 1
    assert "fact 'agee' is not in the vocabulary; did you mean 'age'?" in result.output


def test_a_faulty_file_is_named_the_others_go_on_and_the_status_says_so(
    written: Callable[..., Path],
) -> None:
    file = written(REQUEST, {"id": "x"}, REQUEST | {"id": "y", "policy": "5.21.07"})
    result = run(FEP, "--cases", file)
    assert result.exit_code == 2
    assert f"ERROR  {file}: case x: why: expected a sentence" in result.output
    assert (
        f"{file}: case y: policy '5.21.07' is not in the knowledge base; did you mean '5.21.071'?"
        in result.output
    )
    assert "1 passed" in result.output
    last = run(FEP, "--cases", file, "--json").output.splitlines()[-1]
    assert json.loads(last)["id"] == "y"


def test_an_unknown_policy_and_a_missing_file_are_errors(kb: KnowledgeBase, tmp_path: Path) -> None:
    with pytest.raises(UnknownPolicyError):
        kb.test("5.21.07")
    missing = tmp_path / "missing.json"
    with pytest.raises(UnreadableInputError):
        kb.test(FEP, cases=missing)
    result = run(FEP, "--cases", missing)
    assert result.exit_code == 2
    assert result.output == f"policygrounds: {missing}: no such file\n"
    assert run("5.21.07").exit_code == 2
    result = run(FEP, "--cases", tmp_path)
    assert (result.exit_code, result.output) == (
        2,
        f"policygrounds: {tmp_path}: this is a folder; name a file in it\n",
    )
    os.mkfifo(tmp_path / "pipe")
    assert "this is no regular file" in run(FEP, "--cases", tmp_path / "pipe").output


def test_beside_a_case_at_a_threshold_its_twin_is_proposed(written: Callable[..., Path]) -> None:
    lines = [line.strip() for line in run(FEP, "--cases", written(REQUEST)).output.splitlines()]
    (place,) = (
        number
        for number, line in enumerate(lines)
        if line.startswith("not covered: Prior-Approval.Age age 17 | 18; ")
    )
    twin = json.loads(lines[place + 1].removeprefix("would do: "))
    assert twin["facts"] == REQUEST["facts"] | {"age": 17}
    assert not lines[place + 2].startswith("would do: ")


def test_the_readme_shows_the_tests_and_what_is_said_where_one_is_missing(
    written: Callable[..., Path],
) -> None:
    readme = (ROOT / "README.md").read_text()
    (file,) = (ROOT / "kb" / "policies" / "fep").glob("*.cases.json")
    cases = json.loads(file.read_text())
    shown = readme[readme.index('{"id": "renewal-after-progression"') :].partition("\n```")[0]
    assert json.loads(shown) in cases
    assert f"```\n{run(FEP).output}```" in readme
    others = [case for case in cases if case["id"] != "renewal-at-17"]
    lines = run(FEP, "--cases", written(*others)).output.splitlines()
    place = lines.index(next(line for line in lines if "not covered: Renewal.Age not met" in line))
    assert "```\n" + "\n".join(lines[place : place + 2]) + "\n```" in readme


def test_the_example_of_the_language_page_is_tested() -> None:
    page = (ROOT / "docs" / "policy-language.md").read_text()
    example = ROOT / "examples" / "new_policy"
    (file,) = (example / "policies").glob("*.cases.json")
    shown = page[page.index('{"id": "first-request-at-17"') :].partition(",\n```")[0]
    assert json.loads(shown) in json.loads(file.read_text())
    assert run("--kb", example, "--least", 20).exit_code == 0


def test_the_command_is_there() -> None:
    command = [sys.executable, "-m", "policygrounds", "test", "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert "--suggest FILE" in shown
