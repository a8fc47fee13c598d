"""Findings as SARIF: valid by the official schema, each at the line that states its section.

`schemas/sarif-2.1.0-rtm.5.json` is the schema of the standard as the npm package
@microsoft/jest-sarif 1.0.0-beta.0 ships it (MIT).
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator

from engine.analysis.finding import FindingKind
from policygrounds import KnowledgeBase
from queries.findings import Checked
from queries.sarif import sarif
from queries.sources import line_numbers

SCHEMA = json.loads((Path(__file__).parent / "schemas" / "sarif-2.1.0-rtm.5.json").read_text())
ROOT = Path(__file__).parents[2]


@pytest.fixture
def log(kb: KnowledgeBase, checked: Checked, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(ROOT)
    return json.loads(json.dumps(sarif([checked], kb.vocabulary, "0.1.0")))


def test_the_log_is_valid(kb: KnowledgeBase, checked: Checked, log: Any) -> None:
    Draft4Validator.check_schema(SCHEMA)
    validator = Draft4Validator(SCHEMA, format_checker=Draft4Validator.FORMAT_CHECKER)
    assert list(validator.iter_errors(log)) == []
    empty = sarif([replace(checked, findings=())], kb.vocabulary, "0.1.0")
    assert list(validator.iter_errors(empty)) == []
    bare = json.loads(json.dumps(sarif([replace(checked, file=None)], kb.vocabulary, "0.1.0")))
    assert list(validator.iter_errors(bare)) == []
    assert list(validator.iter_errors({**log, "runs": [{}]})) != []


def test_every_result_names_its_rule_its_level_and_its_finding(log: Any) -> None:
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["never-met", "same-criterion", "reading-decides"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    assert [result["level"] for result in run["results"]] == ["note", "error", "warning"]
    note, error, warning = run["results"]
    assert note["partialFingerprints"] == {
        "findingId/v1": "5.21.071:same-criterion:Prior-Approval.Age = Renewal.Age"
    }
    assert error["message"]["text"] == "No patient meets Renewal.a. Correct the rule."
    assert "(with progression_or_toxicity as not_both)" in warning["message"]["text"]
    assert len(error["properties"]["witnesses"]) == 2


def test_an_accepted_finding_is_suppressed_with_its_reason(log: Any) -> None:
    note, error, _ = log["runs"][0]["results"]
    assert note["suppressions"] == []
    assert error["suppressions"] == [
        {
            "kind": "external",
            "status": "accepted",
            "justification": "2025-09-15: The text is to be corrected.",
        }
    ]


def test_a_result_is_at_the_line_that_states_its_section(log: Any) -> None:
    note, error, _ = log["runs"][0]["results"]
    assert len(note["locations"]) == 2
    (place,) = error["locations"]
    assert place["logicalLocations"] == [
        {"name": "Renewal.a", "fullyQualifiedName": "5.21.071 Renewal.a"}
    ]
    uri = place["physicalLocation"]["artifactLocation"]["uri"]
    lines = (ROOT / uri).read_text().splitlines()
    stated = lines[place["physicalLocation"]["region"]["startLine"] - 1]
    assert stated.startswith('criterion("5.21.071", "Renewal.a"')


def test_a_finding_without_sections_is_about_the_file(
    kb: KnowledgeBase, checked: Checked, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    finding = replace(checked.findings[0], kind=FindingKind.VERSION_GAP, sections=())
    gap = replace(checked, findings=(finding,))
    monkeypatch.chdir(tmp_path)
    (result,) = json.loads(json.dumps(sarif([gap], kb.vocabulary, "0")))["runs"][0]["results"]
    (place,) = result["locations"]
    assert place["physicalLocation"]["artifactLocation"]["uri"].startswith("file:///")
    assert "region" not in place["physicalLocation"]
    (result,) = json.loads(json.dumps(sarif([replace(gap, file=None)], kb.vocabulary, "0")))[
        "runs"
    ][0]["results"]
    assert result["locations"] == []


def test_all_sections_of_the_packaged_policies_have_their_line(kb: KnowledgeBase) -> None:
    for number, policy in kb.policies.items():
        file = kb.file(number)
        assert file is not None
        lines = line_numbers(file, number)
        text = file.read_text().splitlines()
        for version in policy.versions:
            for section in version.texts:
                assert f'"{section}"' in text[lines[section] - 1]


def test_lines_are_those_of_statements_not_of_comments(tmp_path: Path) -> None:
    file = tmp_path / "P.lp"
    file.write_text(
        '% criterion("P", "1", "no").\n'
        '  policy("P", "x", y, "z").\n'
        'any_of("P", "1", ("1.a"; "1.b (c)")).\n'
        'criterion("P", "1", "One").\n'
        'criterion("P",\n    ("1.a"; "1.b (c)"), "Two").\n',
    )
    lines = line_numbers(file, "P")
    assert [lines[section] for section in ("1", "1.a", "1.b (c)")] == [4, 6, 6]
    assert line_numbers(tmp_path / "gone.lp", "P") == {}
