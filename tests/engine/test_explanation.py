"""Explanations of cases under the packaged policies, by hand; the oracle tests sets in bulk."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine import clashes, explainer, search
from engine.circuit import Circuit, Gate, Way
from engine.explainer import Explainer
from engine.explanation import Change
from engine.inputs import Inputs
from engine.search import Search
from facts.case import read_facts
from facts.errors import UnknownUnitError, UnknownWantError
from facts.values import change_form
from policygrounds import Case, KnowledgeBase, Outcome

ROOT = Path(__file__).parents[2]
VIGNETTES = {
    case["id"]: case for case in json.loads((ROOT / "examples/vignettes.json").read_text())
}
FEP, CENTENE = "5.21.071", "CP.PHAR.302"


def vignette(name: str, **facts: object) -> Case:
    raw = VIGNETTES[name]
    return Case(policy=raw["policy"], on=raw["on"], id=name, facts={**raw["facts"], **facts})


def explained(kb: KnowledgeBase, case: Case, *wanted: str, **options: Any) -> dict[str, Any]:
    form: dict[str, Any] = kb.explain(case, *wanted, **options).to_json()
    assert json.loads(json.dumps(form)) == form
    return form


def facts_of(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [entry["facts"] for entry in entries]


def test_a_missing_specialist_can_be_made_good_in_two_ways(kb: KnowledgeBase) -> None:
    form = explained(kb, vignette("v7-CP.PHAR.302"))
    assert form["outcome"] == "deny"
    assert form["changes"] == [
        {
            "facts": {"prescriber": {"one_of": ["hematologist", "oncologist"]}},
            "effort": "prescribe",
            "sections": ["I.A.2"],
            "establishes": [],
            "alters": ["prescriber"],
            "undoes": [],
        },
        {
            "facts": {"specialist_consulted": True},
            "effort": "prescribe",
            "sections": ["I.A.2"],
            "establishes": [],
            "alters": ["specialist_consulted"],
            "undoes": [],
        },
    ]


def test_numbers_come_as_bounds_and_sets_as_members(kb: KnowledgeBase) -> None:
    case = vignette("v1-CP.PHAR.302", weekly_dose_mg=5.5, regimen=["ixazomib", "lenalidomide"])
    changes = facts_of(explained(kb, case)["changes"])
    added = {"regimen": {"add": ["dexamethasone"], "remove": []}}
    assert {**added, "weekly_dose_mg": {"at_most": 4}} in changes
    assert {**added, "dose_evidence": True} in changes


def test_what_can_be_documented_comes_before_what_must_be_prescribed_or_awaited(
    kb: KnowledgeBase,
) -> None:
    case = vignette("v1-CP.PHAR.302", weekly_dose_mg=5.5, prior_lines=0, prior_drugs=[])
    efforts = [change["effort"] for change in explained(kb, case)["changes"]]
    assert efforts == sorted(efforts, key=["document", "prescribe", "wait"].index)
    assert efforts
    assert set(efforts) == {"wait"}
    dose = explained(kb, vignette("v1-CP.PHAR.302", weekly_dose_mg=5.5))["changes"]
    assert [change["effort"] for change in dose] == ["document", "prescribe"]


def test_a_fixed_fact_is_offered_only_on_request_and_named_as_in_the_way(
    kb: KnowledgeBase,
) -> None:
    case = vignette("v1-5.21.071", age=17)
    form = explained(kb, case)
    assert form["changes"] == []
    assert form["in_the_way"] == [["age"]]
    form = explained(kb, case, include_fixed=True)
    assert facts_of(form["changes"]) == [{"age": {"at_least": 18}}]
    assert form["changes"][0]["effort"] == "fixed"
    assert form["in_the_way"] == []


def test_a_fixed_fact_that_is_not_known_can_be_found_out(kb: KnowledgeBase) -> None:
    form = explained(kb, vignette("v1-5.21.071", age={"at_least": 10}))
    assert form["outcome"] == "pend"
    assert facts_of(form["changes"]) == [{"age": {"at_least": 18}}]
    assert form["changes"][0]["effort"] == "document"
    assert form["changes"][0]["establishes"] == ["age"]
    assert form["approve_if"] == form["changes"]


def test_what_time_cannot_bring_back_is_marked_and_comes_last(kb: KnowledgeBase) -> None:
    facts = {
        "treatment_setting": "subsequent",
        "disease_state": "relapsed",
        "regimen": ["ixazomib"],
    }
    case = vignette(
        "v2-CP.PHAR.302",
        **facts,
        substitution_reason="intolerance",
        regimen_recommended=True,
        same_regimen_as_induction=False,
    )
    changes = explained(kb, case, readings={"primary_treatment_prior_therapy": "waived"})["changes"]
    undoing = [change for change in changes if change["undoes"]]
    assert undoing
    assert changes[-len(undoing) :] == undoing
    assert any(change["undoes"] == ["treatment_setting"] for change in undoing) or any(
        set(change["undoes"]) >= {"prior_lines", "treatment_setting"} for change in undoing
    )


def test_any_outcome_and_any_authorization_can_be_asked_for(kb: KnowledgeBase) -> None:
    approved = vignette("v1-CP.PHAR.302")
    assert kb.determine(approved).authorization.months == (6,)
    form = explained(kb, approved, "12 months", include_fixed=True)
    assert form["want"] == "approve, months=12"
    assert not form["reached"]
    (line,) = (change for change in form["changes"] if set(change["facts"]) == {"line_of_business"})
    assert line["facts"] == {"line_of_business": {"one_of": ["commercial"]}}
    assert line["sections"] == ["I.A (duration)"]
    form = explained(kb, approved, "deny")
    assert facts_of(form["changes"])
    assert explained(kb, approved, "months=6")["reached"]


def test_what_is_reached_already_needs_no_change(kb: KnowledgeBase) -> None:
    form = explained(kb, vignette("v1-5.21.071"))
    assert form["reached"]
    assert form["changes"] == form["approve_if"] == form["in_the_way"] == []


def test_a_number_in_a_reason_is_as_wide_as_the_outcome_allows(kb: KnowledgeBase) -> None:
    (reason,) = explained(kb, vignette("v3-5.21.071"))["reasons"]
    assert reason["facts"] == {"diagnosis": {"one_of": ["al_amyloidosis"]}}
    reasons = explained(kb, vignette("v1-5.21.071"))["reasons"]
    assert all(reason["facts"]["age"] == {"at_least": 18} for reason in reasons)


def test_a_prior_drug_is_reason_enough_for_a_prior_line(kb: KnowledgeBase) -> None:
    reasons = explained(kb, vignette("v1-5.21.071", prior_drugs=["bortezomib"]))["reasons"]
    assert any("prior_lines" in reason["facts"] for reason in reasons)
    for reason in reasons:
        if "prior_lines" not in reason["facts"]:
            assert reason["facts"]["prior_drugs"] == {"add": ["bortezomib"], "remove": []}
        assert ("prior_lines" in reason["facts"]) != ("prior_drugs" in reason["facts"])


def test_a_contradictory_case_is_explained_by_what_would_mend_and_approve_it(
    kb: KnowledgeBase,
) -> None:
    case = vignette("v1-5.21.071", prior_lines=0)
    form = explained(kb, case)
    assert form["outcome"] == "pend"
    assert form["reasons"] == []
    assert facts_of(form["changes"]) == [{"prior_lines": {"at_least": 1}}]


def test_unknown_facts_are_told_apart_by_whether_they_can_matter(kb: KnowledgeBase) -> None:
    facts = {**VIGNETTES["v1-CP.PHAR.302"]["facts"], "dose_evidence": None, "weekly_dose_mg": None}
    form = explained(kb, Case(policy=CENTENE, on="2025-09-15", facts=facts))
    assert form["matter"] == ["dose_evidence", "weekly_dose_mg"]
    assert form["cannot_matter"] == ["response"]
    assert facts_of(form["approve_if"]) == [
        {"dose_evidence": True},
        {"weekly_dose_mg": {"at_most": 4}},
    ]
    assert form["next_question"]["fact"] in form["matter"]
    assert (
        form["next_question"]["question"]
        == kb.vocabulary.facts[form["next_question"]["fact"]].question
    )


def test_other_readings_and_versions_are_given_on_request_with_what_moves(
    kb: KnowledgeBase,
) -> None:
    case = vignette("v2-CP.PHAR.302")
    form = explained(kb, case)
    assert "readings" not in form
    assert "history" not in form
    form = explained(kb, case, across_readings=True, history=True)
    choices = {(entry["name"], entry["choice"]): entry for entry in form["readings"]}
    assert choices["other_use", "diagnosis_only"]["outcome"] == "deny"
    assert choices["other_use", "all_four"]["chosen"]
    first = form["history"][0]
    assert (first["version"], first["outcome"]) == ("2022-08-01", "approve")
    assert {
        "section": "I.A.5 (dexamethasone alone)",
        "text": "With dexamethasone, and with neither lenalidomide nor cyclophosphamide",
        "before": None,
        "after": "met",
    } in first["moves"]


@pytest.mark.parametrize(
    ("want", "message"),
    [
        ("aprove", "'aprove' cannot be asked for; did you mean 'approve'?"),
        ("deny, months=12", "it speaks of more than one outcome"),
        ("months=", "'months=' cannot be asked for"),
        ("pend", "'pend' cannot be asked for"),
    ],
)
def test_a_want_that_is_none_is_refused_with_what_could_be_meant(
    kb: KnowledgeBase, want: str, message: str
) -> None:
    with pytest.raises(UnknownWantError, match=message.replace("?", r"\?")):
        kb.explain(vignette("v1-5.21.071"), want)


def test_only_takes_facts_and_members_and_names_what_is_neither(kb: KnowledgeBase) -> None:
    case = vignette("v2-CP.PHAR.302")
    form = explained(kb, case, only=["regimen.lenalidomide"])
    assert facts_of(form["changes"]) == [{"regimen": {"add": ["lenalidomide"], "remove": []}}]
    with pytest.raises(UnknownUnitError, match=r"'regimen\.lenalidomid' is no fact"):
        kb.explain(case, only=["regimen.lenalidomid"])


def test_a_limit_on_number_is_said_and_the_smallest_sets_are_kept(
    kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = Case(policy=FEP, on="2025-09-15", facts={"request": "initial"})
    monkeypatch.setattr(explainer, "MOST_SETS", 5)
    form = explained(kb, case)
    assert not form["complete"]
    assert form["limits"] == [
        "changes: there are more than 5; the smallest are listed",
        "approve if: there are more than 5; the smallest are listed",
    ]
    sizes = [sum(map(_units, change["facts"].values())) for change in form["changes"]]
    assert max(sizes) <= _smallest_of_more_than_five(kb, case, monkeypatch)


def _units(value: Any) -> int:
    members = isinstance(value, dict) and "add" in value
    return len(value["add"]) + len(value["remove"]) if members else 1


def _smallest_of_more_than_five(
    kb: KnowledgeBase, case: Case, monkeypatch: pytest.MonkeyPatch
) -> int:
    monkeypatch.setattr(explainer, "MOST_SETS", 60)
    more = kb.explain(case).to_json()["changes"]
    assert isinstance(more, list)
    return sorted(sum(map(_units, change["facts"].values())) for change in more)[4]


def test_a_limit_on_time_is_said_and_nothing_is_claimed_to_be_complete(
    kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = vignette("v2-CP.PHAR.302")
    assert kb.explain(case).complete
    monkeypatch.setattr(explainer, "SECONDS_FOR_A_LIST", -1.0)
    explanation = kb.explain(case)
    assert explanation.determination.outcome is Outcome.REFER
    assert not explanation.complete
    assert "changes: the search was stopped at its limit" in explanation.limits
    assert any(limit.startswith("reasons: the search was stopped") for limit in explanation.limits)
    assert not explanation.changes
    assert not explanation.reasons


def test_a_nearly_empty_case_lists_some_minimal_changes_and_says_there_are_more(
    kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "MOST_ASKED", 300)
    case = Case(policy=CENTENE, on="2025-09-15", facts={"request": "initial", "age": 60})
    explanation = kb.explain(case)
    assert not explanation.complete
    assert explanation.changes
    assert "some are listed, and there may be smaller ones" in explanation.limits[0]
    for change in explanation.changes:
        known = {name: _as_known(value) for name, value in _form(change, kb).items()}
        changed = replace(case, facts={**case.facts, **known})
        assert kb.outcome(changed) is Outcome.APPROVE


def _form(change: Change, kb: KnowledgeBase) -> dict[str, Any]:
    return {name: change_form(kb.vocabulary.facts[name], v) for name, v in change.facts.items()}


def _as_known(value: Any) -> Any:
    if isinstance(value, dict) and "add" in value:
        return {"includes": value["add"], "excludes": value["remove"]}
    return value


def test_what_does_not_stand_up_to_verification_is_left_out_and_said(
    kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Search, "stand", lambda _search, boxes: [False] * len(boxes))
    form = explained(kb, vignette("v7-CP.PHAR.302"))
    assert form["changes"] == []
    assert not form["complete"]
    assert "did not stand up to verification" in form["limits"][0]


def test_verification_also_runs_without_assertions() -> None:
    script = (
        "from engine.search import Search\n"
        "from policygrounds import Case, KnowledgeBase\n"
        "Search.stand = lambda search, boxes: [False] * len(boxes)\n"
        "case = Case(policy='5.21.071', facts={'request': 'initial', 'age': 67})\n"
        "found = KnowledgeBase.load().explain(case)\n"
        "print(len(found.changes), found.complete, __debug__)\n"
    )
    command = [sys.executable, "-O", "-c", script]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert shown.stdout.split() == ["0", "False", "False"]


def test_the_circuit_is_proved_equal_to_the_program_and_a_wrong_one_is_not(
    kb: KnowledgeBase,
) -> None:
    for policy in kb.policies.values():
        version = policy.versions[-1]
        circuit = Circuit(version.program, Inputs(version.program, kb.vocabulary.facts))
        assert circuit.equals_program()
        approve = circuit.nodes[abs(circuit.literal(("outcome", "approve")))]
        assert isinstance(approve, Gate)
        wrong = approve.literals[0]
        node = circuit.nodes[abs(wrong)]
        assert isinstance(node, Gate)
        circuit.nodes[abs(wrong)] = Gate(node.bound, node.literals[1:])
        assert not circuit.equals_program()


def test_a_policy_whose_circuit_is_not_proved_is_not_explained(
    kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Circuit, "equals_program", lambda _circuit: False)
    policy = kb.policies[FEP]
    doubtful = Explainer(policy, policy.versions[-1], kb.vocabulary, total=True)
    case = vignette("v7-5.21.071")
    found = doubtful.explain(kb.determine(case), {}, {}, explainer.APPROVAL)
    assert not found.complete
    assert not found.changes
    assert not found.reasons


def test_few_lanes_and_the_solver_find_the_same(
    kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = [
        vignette("v7-CP.PHAR.302"),
        vignette("v2-CP.PHAR.302"),
        vignette("v2-CP.PHAR.302", response="stable"),
        vignette("v1-CP.PHAR.302", weekly_dose_mg=5, age=None, prescriber=None),
    ]
    side_by_side = [explained(kb, case)["changes"] for case in cases]
    monkeypatch.setattr(search, "MOST_LANES", 0)
    assert [explained(kb, case)["changes"] for case in cases] == side_by_side


def test_contradictions_that_entangle_too_much_leave_reasons_and_questions(
    kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clashes, "MOST_TERMS", 10)
    policy = kb.policies[FEP]
    entangled = Explainer(policy, policy.versions[-1], kb.vocabulary, total=True)
    case = vignette("v3-5.21.071")
    known, _ = read_facts(case, kb.vocabulary)
    readings = {name: reading.default for name, reading in policy.readings.items()}
    found = entangled.explain(kb.determine(case), known, readings, explainer.APPROVAL)
    assert not found.complete
    assert "the contradictions entangle the facts too much" in found.limits[0]
    assert not found.changes
    assert found.reasons


def test_a_circuit_too_deep_to_search_is_a_limit_and_no_crash(
    kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_deep(*_arguments: object) -> Sequence[Way]:
        raise RecursionError

    monkeypatch.setattr(search, "ways_of", too_deep)
    explanation = kb.explain(vignette("v7-CP.PHAR.302", response="partial"))
    assert not explanation.complete
    assert not explanation.changes
