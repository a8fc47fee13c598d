"""Cases with records, from the record to the answer: determined, explained and shown."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from engine.explanation import Explanation
from facts.schema import case_schema
from policygrounds import Case, KnowledgeBase
from queries.command import main

FILE = Path(__file__).parents[2] / "examples" / "records.json"
Example = Callable[[str], Case]


@pytest.fixture(scope="module")
def raw() -> dict[str, dict[str, Any]]:
    return {case["id"]: case for case in json.loads(FILE.read_text())}


@pytest.fixture(scope="module")
def example(raw: dict[str, dict[str, Any]]) -> Example:
    return lambda name: Case.from_json(raw[name])


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("records-approved", "approve"),
        ("records-late-progression", "refer"),
        ("records-partial-dates", "pend"),
        ("records-renewal-progressed", "deny"),
        ("records-contradicted", "pend"),
        ("records-left-out", "approve"),
    ],
)
def test_the_examples_are_decided_from_their_records(
    kb: KnowledgeBase, example: Example, name: str, outcome: str
) -> None:
    assert kb.determine(example(name)).outcome == outcome
    assert kb.outcome(example(name)) == outcome


def test_the_example_pends_on_what_partial_dates_leave_open(
    kb: KnowledgeBase, example: Example
) -> None:
    matter = kb.determine(example("records-partial-dates")).unknown_that_matter
    assert {"days_to_progression", "refractory_to", "weekly_dose_mg"} <= set(matter)


def test_facts_asserted_and_derived_decide_alike(kb: KnowledgeBase, example: Example) -> None:
    case = example("records-approved")
    answer = kb.determine(case)
    assert answer.derivation is not None
    derived = {fact.fact: fact.stated for fact in answer.derivation.facts}
    told = kb.determine(Case(policy=case.policy, on=case.on, facts={**case.facts, **derived}))
    without = {key: answer.to_json()[key] for key in told.to_json() if key != "id"}
    assert without == {key: value for key, value in told.to_json().items() if key != "id"}


def test_a_determination_without_records_has_no_key_for_them(kb: KnowledgeBase) -> None:
    keys = {"derived", "cautions", "record_problems"}
    bare = kb.determine(Case(policy="5.21.071", on="2025-09-15")).to_json()
    assert keys.isdisjoint(bare)
    given = kb.determine(Case(policy="5.21.071", on="2025-09-15", records={})).to_json()
    assert keys <= given.keys()


def test_what_is_asserted_against_the_records_is_a_contradiction(
    kb: KnowledgeBase, example: Example
) -> None:
    (problem,) = kb.determine(example("records-contradicted")).problems
    assert (problem.kind, problem.facts) == ("contradiction", ("prior_lines",))
    assert "therapies 1" in problem.message
    assert "completed_lines" in problem.message


def test_a_contradicted_case_is_not_explained(kb: KnowledgeBase, example: Example) -> None:
    case = example("records-contradicted")
    explanation = kb.explain(case, across_readings=True, history=True)
    assert not explanation.changes
    assert not explanation.reached
    assert not explanation.complete
    assert {reading.outcome for reading in explanation.readings or ()} == {"pend"}
    assert {version.outcome for version in explanation.history or ()} == {"pend"}


def test_an_assertion_narrower_than_the_records_is_kept(kb: KnowledgeBase) -> None:
    therapies = [{"line": 1, "drugs": ["Velcade"], "start": "2021", "end": "2022"}]

    def lines(asserted: object) -> object:
        case = Case(
            policy="5.21.071",
            on="2025-09-15",
            facts={"prior_lines": asserted},
            records={"therapies": therapies},
        )
        return kb.explain(case).known["prior_lines"]

    assert (lines({"at_most": 4}).low, lines({"at_most": 4}).high) == (1, 4)  # type: ignore[attr-defined]
    assert (lines(2).low, lines(2).high) == (2, 2)  # type: ignore[attr-defined]


def test_cautions_decide_nothing(kb: KnowledgeBase, raw: dict[str, dict[str, Any]]) -> None:
    with_caution = raw["records-approved"]
    answer = kb.determine(Case.from_json(with_caution)).to_json()
    assert any(caution["kind"] == "hold" for caution in answer["cautions"])  # type: ignore[attr-defined]
    records = {**with_caution["records"], "laboratory": []}
    bare = kb.determine(Case.from_json({**with_caution, "records": records})).to_json()
    assert not any(caution["kind"] == "hold" for caution in bare["cautions"])  # type: ignore[attr-defined]
    kept = bare.keys() - {"cautions"}
    assert {key: answer[key] for key in kept} == {key: bare[key] for key in kept}


@pytest.mark.usefixtures("loaded_once")
def test_every_view_shows_what_the_records_show(monkeypatch: pytest.MonkeyPatch) -> None:
    explain, known = KnowledgeBase.explain, dict[str, Explanation]()

    def once(kb: KnowledgeBase, case: Case, want: str | None, **options: Any) -> Explanation:
        key = repr((case, want, options))
        if key not in known:
            known[key] = explain(kb, case, want, **options)
        return known[key]

    monkeypatch.setattr(KnowledgeBase, "explain", once)
    for form in ([], ["--markdown"], ["--html"]):
        shown = CliRunner().invoke(main, ["explain", str(FILE), *form])
        assert shown.exit_code == 0
        assert "From the records" in shown.stdout
        assert "Safety, which decides nothing" in shown.stdout
        assert "Records that cannot be so, and were left out" in shown.stdout


@pytest.mark.usefixtures("loaded_once")
def test_a_determination_shows_what_the_records_show() -> None:
    shown = CliRunner().invoke(main, ["determine", str(FILE)]).stdout
    assert "there are exactly 31 days from the end of the last therapy to progression" in shown
    assert "therapies 1, end: it ends before it starts" in shown
    assert "prior_lines  there is at least 1 completed line of therapy (therapies 1, IMWG" in shown


def test_the_schema_takes_the_examples_and_refuses_what_is_misspelt(
    kb: KnowledgeBase, raw: dict[str, dict[str, Any]]
) -> None:
    schema = case_schema(kb.vocabulary, kb.policies, kb.record_words)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(list(raw.values()), schema)
    wrong = {"policy": "5.21.071", "facts": {}, "records": {"therapy": []}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, schema)


def test_rules_of_derivation_from_outside_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "derivations"
    folder.mkdir()
    (folder / "own.lp").write_text("p(1).\n")
    shown = CliRunner().invoke(main, ["policies", "--kb", str(tmp_path)])
    assert shown.exit_code == 2
    assert "rules of derivation are read from the package alone" in shown.stderr


def test_own_policies_read_records_by_the_packaged_rules(tmp_path: Path) -> None:
    packaged = Path(__file__).parents[2] / "kb" / "policies" / "fep" / "5.21.071_ixazomib.lp"
    (tmp_path / packaged.name).write_text(packaged.read_text())
    kb = KnowledgeBase.load(tmp_path)
    case = Case.from_json(next(c for c in json.loads(FILE.read_text()) if "left-out" in c["id"]))
    assert kb.determine(case).outcome == "approve"
