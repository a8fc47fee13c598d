"""The knowledge base as a Python object: its errors, its limits, and the outcome alone."""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from engine import solver
from policygrounds import (
    Case,
    CaseError,
    KnowledgeBase,
    Outcome,
    PolicygroundsError,
    UncoveredDateError,
    UnknownPolicyError,
    UnknownReadingError,
)

ROOT = Path(__file__).parents[2]
VIGNETTES = json.loads((ROOT / "examples" / "vignettes.json").read_text())

HEAD = """
policy("T-1", "Payer", ixazomib, "A policy").
source("T-1", "A document").
version("T-1", "2024-01-01", open, published, "A note").
criterion("T-1", "A", "A criterion").
pathway("T-1", "A").
applies("T-1", "A").
"""


def own(folder: Path, policy: str, vocabulary: str = "") -> KnowledgeBase:
    (folder / "policy.lp").write_text(HEAD + policy)
    (folder / "vocabulary").mkdir()
    (folder / "vocabulary" / "facts.lp").write_text(vocabulary)
    return KnowledgeBase.load(folder)


@pytest.mark.parametrize(
    "written", ['\npolicy ("T-1"', '\nadult :- at_least(age, 18). policy("T-1"']
)
def test_the_file_of_a_policy_is_the_one_it_was_loaded_from(tmp_path: Path, written: str) -> None:
    policy = HEAD + 'met("T-1", "A") :- yes(t_11_14).'
    file = tmp_path / "policy.lp"
    file.write_text(policy.replace('\npolicy("T-1"', written, 1), "utf-8")
    loaded = KnowledgeBase.load(tmp_path)
    assert loaded.file("T-1") == file
    assert loaded.accepted("T-1") == {}
    file.unlink()
    assert loaded.file("T-1") is None


def test_the_outcome_alone_is_that_of_the_determination(kb: KnowledgeBase) -> None:
    for raw in VIGNETTES:
        for left_out in (None, "diagnosis", "regimen", "prior_lines", "responding"):
            facts = {name: value for name, value in raw["facts"].items() if name != left_out}
            case = Case(policy=raw["policy"], on=raw["on"], facts=facts)
            assert kb.outcome(case) is kb.determine(case).outcome


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"on": 20250915}, "on: expected a date"),
        ({"on": "2025-9-15"}, "on: expected a date"),
        ({"policy": ["x"]}, "policy: expected the number"),
        ({"policy": None}, "policy: expected the number"),
        ({"facts": None}, "facts: expected an object"),
        ({"facts": [1]}, "facts: expected an object"),
        ({"id": 3.5}, "id: expected a text"),
        ({"facts": {3: 1}}, "fact 3 is not in the vocabulary"),
        ({"facts": {"age": 10**5_000}}, "outside that range"),
        ({"facts": {"age": object()}}, "expected a number of years, got object"),
    ],
)
def test_values_of_wrong_types_are_case_errors(
    kb: KnowledgeBase, wrong: Mapping[str, Any], expected: str
) -> None:
    arguments: dict[str, Any] = {"policy": "5.21.071", "on": "2025-09-15", "facts": {}, **wrong}
    with pytest.raises(CaseError, match=expected):
        kb.determine(Case(**arguments))


def test_a_date_may_be_a_date(kb: KnowledgeBase) -> None:
    answer = kb.determine(Case(policy="CP.PHAR.302", on=date(2023, 9, 1), facts={}))
    assert (answer.version, answer.on) == ("2023-08-01", "2023-09-01")


def test_all_problems_of_a_case_come_in_one_error(kb: KnowledgeBase) -> None:
    facts = {"agee": 1, "age": "x", "regimen": ["Revlimid", "Ninlaro"], "diagnosis": "C90.02"}
    with pytest.raises(CaseError) as error:
        kb.determine(Case(policy="CP.PHAR.303", facts=facts))
    said = str(error.value)
    for expected in (
        "'CP.PHAR.303' is not in the knowledge base",
        "did you mean 'age'?",
        "expected a number of years",
        "did you mean 'lenalidomide'?",
        "did you mean 'ixazomib'?",
        "did you mean 'multiple_myeloma'?",
    ):
        assert expected in said
    assert len(error.value.problems) == 6


def test_a_date_and_a_reading_that_are_both_wrong_are_both_named(kb: KnowledgeBase) -> None:
    with pytest.raises(CaseError) as error:
        kb.determine(Case(policy="5.21.071", on="1999-01-01"), readings={"zz": "y"})
    assert "no version covers 1999-01-01" in str(error.value)
    assert "no reading 'zz'" in str(error.value)


def test_each_kind_of_error_has_its_own_class(kb: KnowledgeBase) -> None:
    with pytest.raises(UnknownPolicyError):
        kb.determine(Case(policy="x"))
    with pytest.raises(UncoveredDateError, match="2024-01-01 to now"):
        kb.determine(Case(policy="5.21.071", on="2023-12-31"))
    with pytest.raises(UnknownReadingError, match="did you mean 'other_use'"):
        kb.determine(Case(policy="CP.PHAR.302"), readings={"othr_use": "all_four"})
    choices: dict[str, Any] = {"other_use": ["all_four"]}
    with pytest.raises(UnknownReadingError, match="all_four, diagnosis_only"):
        kb.determine(Case(policy="CP.PHAR.302"), readings=choices)
    with pytest.raises(CaseError, match="on: expected a date"):
        kb.counterexample("5.21.071", on="soon")


def test_no_time_left_is_a_pend_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    kb = KnowledgeBase.load()  # of which nothing is compiled yet: that takes no time of the solver
    monkeypatch.setattr(solver, "SECONDS_FOR_A_CASE", -1.0)
    case = Case(policy="5.21.071", on="2025-09-15", facts=VIGNETTES[0]["facts"])
    answer = kb.determine(case)
    assert answer.outcome is kb.outcome(case) is Outcome.PEND
    assert [problem.kind for problem in answer.problems] == ["stopped"]
    assert not answer.needs_clinician
    with pytest.raises(PolicygroundsError, match="within its limits"):
        kb.counterexample("5.21.071", on="2025-09-15")


def test_no_conflicts_left_is_a_pend_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of twelve booleans no three may be alike: that cannot be, and is not seen at once."""
    monkeypatch.setattr(solver, "CONFLICT_LIMIT", 1)
    names = [f"f_{number}" for number in range(12)]
    vocabulary = "".join(
        f'fact({name}, boolean, fixed). title({name}, "T"). question({name}, "Q?").\n'
        for name in names
    )
    triples = [(a, b, c) for a in names for b in names for c in names if a < b < c]
    clashes = "".join(
        f'contradiction({kind}_{a}_{b}_{c}, "T"). '
        f"impossible({kind}_{a}_{b}_{c}) :- {', '.join(f'{no}yes({name})' for name in (a, b, c))}.\n"
        for kind, no in (("yes", ""), ("no", "not "))
        for a, b, c in triples
    )
    kb = own(tmp_path, 'met("T-1", "A") :- yes(f_0).\n', vocabulary + clashes)
    answer = kb.determine(Case(policy="T-1", facts={}))
    assert answer.outcome is Outcome.PEND
    assert [problem.kind for problem in answer.problems] == ["stopped"]


def test_too_many_ways_for_facts_to_matter_are_a_pend_in_good_time(tmp_path: Path) -> None:
    pairs = range(14)
    names = ["d", *(f"{side}_{pair}" for pair in pairs for side in "ab")]
    vocabulary = "".join(
        f'fact({name}, boolean, fixed). title({name}, "T"). question({name}, "Q?").\n'
        for name in names
    )
    vocabulary += "".join(
        f'contradiction(with_{pair}, "T").\n'
        f"impossible(with_{pair}) :- yes(d), not yes(a_{pair}), not yes(b_{pair}).\n"
        f'contradiction(a_without_{pair}, "T").\n'
        f"impossible(a_without_{pair}) :- not yes(d), yes(a_{pair}).\n"
        f'contradiction(b_without_{pair}, "T").\n'
        f"impossible(b_without_{pair}) :- not yes(d), yes(b_{pair}).\n"
        for pair in pairs
    )
    policy = 'met("T-1", "A") :- yes(d).\n'
    policy += 'denies("T-1", "A", investigational) :- not approved("T-1").\n'
    answer = own(tmp_path, policy, vocabulary).determine(Case(policy="T-1", facts={}))
    assert answer.outcome is Outcome.PEND
    assert [problem.kind for problem in answer.problems] == ["stopped"]


def test_a_reading_under_which_the_policy_leaves_a_gap_is_reported(tmp_path: Path) -> None:
    policy = """
met("T-1", "A") :- yes(t_11_14).
reading("T-1", closing, "Is the rest denied?").
reading_section("T-1", closing, "A").
choice("T-1", closing, denied, "It is").
choice("T-1", closing, open, "Nothing is said").
default_choice("T-1", closing, denied).
denies("T-1", "A", investigational) :- not approved("T-1"), reads("T-1", closing, denied).
"""
    kb = own(tmp_path, policy)
    case = Case(policy="T-1", facts={"t_11_14": False})
    answer = kb.determine(case)
    assert answer.outcome is Outcome.DENY
    (reading,) = answer.readings
    assert (reading.other, reading.outcome) == ("open", Outcome.PEND)
    under = kb.determine(case, readings={"closing": "open"})
    assert [problem.kind for problem in under.problems] == ["gap"]
    counterexample = kb.counterexample("T-1")
    assert counterexample is not None
    assert counterexample.readings == {"closing": "open"}
    assert counterexample.outcomes == ()


def test_a_policy_that_gives_two_outcomes_is_not_decided(tmp_path: Path) -> None:
    policy = 'met("T-1", "A") :- at_least(age, 18).\ndenies("T-1", "A", investigational) :- yes(t_11_14).\n'
    kb = own(
        tmp_path, policy + 'refers("T-1", "A", "T-2") :- not approved("T-1"), not yes(t_11_14).'
    )
    case = Case(policy="T-1", facts={"age": 30, "t_11_14": True})
    assert kb.outcome(case) is Outcome.PEND
    assert [problem.kind for problem in kb.determine(case).problems] == ["overlap"]
    settled = Case(policy="T-1", facts={"age": 30, "t_11_14": False})
    assert kb.outcome(settled) is kb.determine(settled).outcome is Outcome.APPROVE
