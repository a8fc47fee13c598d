"""Explanations, compared with brute force: a slice of what benchmarks/soak_explanations.py does.

The brute force is checked first: against its definitions word for word, and by hand.
"""

import itertools
import random
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import explained_cases
import pytest
import synthetic
from comparing import differences
from drawing import random_question
from explanations import (
    APPROVAL,
    Changes,
    Expected,
    Fact,
    Interval,
    Known,
    Points,
    Unit,
    Verdict,
    Wanted,
    every,
    explain,
    lay_out,
    read_case,
    units_of,
)
from soak_explanations import compare_packaged, compare_synthetic, tried_out

from policygrounds import KnowledgeBase

SEED = "slice"

# --- The brute force itself -----------------------------------------------------------------


def completions(points: Points, known: Known) -> Iterator[Verdict]:
    """Give the verdict on every completion without contradiction."""
    positions = dict(zip(itertools.product(*points.axes.values()), points.verdicts, strict=True))
    for places in itertools.product(*(known[name] for name in points.axes)):
        verdict = positions[places]
        if verdict is not None:
            yield verdict


def works(points: Points, known: Known, put: Mapping[str, int], want: Wanted) -> bool:
    changed = {**known, **{name: (place,) for name, place in put.items()}}
    verdicts = list(completions(points, changed))
    return bool(verdicts) and all(map(want.given_by, verdicts))


def minimal_changes(
    points: Points, known: Known, allowed: Mapping[str, tuple[int, ...]], want: Wanted
) -> Changes:
    found: Changes = {}
    for count in range(len(allowed) + 1):
        for units in itertools.combinations(sorted(allowed), count):
            if not any(smaller <= set(units) for smaller in found):
                boxes = itertools.product(*(allowed[name] for name in units))
                values = frozenset(
                    places
                    for places in boxes
                    if works(points, known, dict(zip(units, places, strict=True)), want)
                )
                if values:
                    found[frozenset(units)] = values
    return found


def minimal_reasons(
    points: Points, known: Known, pool: Collection[str], outcome: str
) -> frozenset[frozenset[str]]:
    found: list[frozenset[str]] = []
    stated = sorted(
        name for name in points.axes if name in pool and known[name] != points.axes[name]
    )
    for count in range(len(stated) + 1):
        for units in itertools.combinations(stated, count):
            forgotten = [name for name in pool if name not in units]
            alone = {**known, **{name: points.axes[name] for name in forgotten}}
            forced = {verdict.outcome for verdict in completions(points, alone)} == {outcome}
            if forced and not any(smaller <= set(units) for smaller in found):
                found.append(frozenset(units))
    return frozenset(found)


def defined(
    points: Points, known: Known, pool: Collection[str], want: Wanted, *, include_fixed: bool
) -> Expected:
    """Follow the definitions word for word."""
    units = [unit for fact in points.facts.values() for unit in units_of(fact)]
    unsettled = {
        unit.name: known[unit.name]
        for unit in units
        if unit.name in pool and len(known[unit.name]) > 1
    }
    alterable = unsettled | {
        unit.name: every(unit)
        for unit in units
        if unit.name in pool and (include_fixed or unit.fact.changer != "fixed")
    }
    outcomes = {verdict.outcome for verdict in completions(points, known)}
    outcome = outcomes.pop() if len(outcomes) == 1 else "pend"
    reached = works(points, known, {}, want)
    return Expected(
        outcome,
        reached,
        {} if reached else minimal_changes(points, known, alterable, want),
        {} if outcome == "approve" else minimal_changes(points, known, unsettled, APPROVAL),
        minimal_reasons(points, known, pool, outcome) if outcome != "pend" else frozenset(),
    )


def test_the_brute_force_says_what_the_definitions_say_word_for_word() -> None:
    rng = random.Random(SEED)
    folder = synthetic.random_folder(rng, 40, most_points=100)
    compared = 0
    for policy in folder.policies:
        points = synthetic.laid_out(policy, policy.versions[-1], {"first_way": "loose"})
        request = random_question(rng, points, policy.number, "", {})
        known = read_case(policy.facts, request.facts)
        pool = request.pool(policy.facts)
        fixed = request.include_fixed
        expected = defined(points, known, pool, request.want, include_fixed=fixed)
        assert explain(points, known, pool, request.want, include_fixed=fixed) == expected
        compared += bool(expected.changes or expected.reasons)
    assert compared > 20


# Two of three, or long enough: something to change, to answer and to give as a reason.
FACTS = (
    Fact("evidence", "boolean", "document"),
    Fact("mutation", "boolean", "fixed"),
    Fact("weeks", "number", "wait", (Interval(0, 3), Interval(4, 7), Interval(8, 52))),
    Fact("drugs", "set", "prescribe", ("first", "second")),
)
UNITS: dict[str, Unit] = {unit.name: unit for fact in FACTS for unit in units_of(fact)}


def decide_example(facts: Mapping[str, Any]) -> Verdict | None:
    if facts["mutation"] and "second" in facts["drugs"]:
        return None
    met = [facts["evidence"], facts["mutation"], facts["weeks"] >= 4]
    if sum(met) >= 2 and "first" in facts["drugs"]:
        return Verdict("approve", months=frozenset({"12" if facts["weeks"] >= 8 else "6"}))
    return Verdict("deny")


POINTS = lay_out(FACTS, {name: every(unit) for name, unit in UNITS.items()}, decide_example)


def explained(facts: Mapping[str, Any], want: Wanted = APPROVAL, **more: bool) -> Expected:
    return explain(POINTS, read_case(FACTS, facts), set(UNITS), want, **more)


def test_by_hand_a_denied_case_lists_each_way_to_approval() -> None:
    case = {"evidence": False, "mutation": False, "weeks": 5, "drugs": ["first"]}
    assert explained(case).changes == {frozenset({"evidence"}): {(1,)}}
    assert explained(case, include_fixed=True).changes == {
        frozenset({"evidence"}): {(1,)},
        frozenset({"mutation"}): {(1,)},
    }
    assert explained(case).reasons == {frozenset({"evidence", "mutation"})}
    assert not explained(case).approve_if


def test_by_hand_an_open_case_lists_what_would_settle_it() -> None:
    case = {"evidence": True, "weeks": {"at_most": 10}, "drugs": ["first"]}
    expected = explained(case)
    assert expected.outcome == "pend"
    assert expected.approve_if == {
        frozenset({"mutation"}): {(1,)},
        frozenset({"weeks"}): {(1,), (2,)},
    }
    assert expected.changes == expected.approve_if
    assert explained(case, Wanted("approve", "months", "12")).changes == {
        frozenset({"weeks"}): {(2,)}
    }


def test_by_hand_a_contradiction_rules_a_fact_out() -> None:
    # The second drug rules the mutation out.
    case = {"weeks": 2, "drugs": ["first", "second"]}
    expected = explained(case)
    assert expected.outcome == "deny"
    assert expected.reasons == {frozenset({"weeks", "drugs.second"})}
    # What is not known beside the mutation has to be established with it.
    assert expected.changes == {
        frozenset({"evidence", "weeks"}): {(1, 1), (1, 2)},
        frozenset({"drugs.second", "evidence", "mutation"}): {(0, 1, 1)},
        frozenset({"drugs.second", "mutation", "weeks"}): {(0, 1, 1), (0, 1, 2)},
    }


def entries(*facts: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"facts": named} for named in facts]


DENIED = {"evidence": False, "mutation": False, "weeks": 5, "drugs": ["first"]}
DENIED_FORM: dict[str, Any] = {
    "outcome": "deny",
    "reached": False,
    "complete": True,
    "changes": entries({"evidence": True}),
    "approve_if": [],
    "reasons": entries({"evidence": False, "mutation": False}),
}
OPEN = {"evidence": True, "weeks": {"at_most": 10}, "drugs": ["first"]}
OPEN_FORM: dict[str, Any] = {
    "outcome": "pend",
    "reached": False,
    "complete": True,
    "changes": entries({"mutation": True}, {"weeks": {"at_least": 4}}),
    "approve_if": entries({"weeks": {"at_least": 4}}, {"mutation": True}),
    "reasons": [],
}


def noticed(case: Mapping[str, Any], form: Mapping[str, Any]) -> list[str]:
    known = read_case(FACTS, case)
    return differences(form, explained(case), POINTS, known, set(UNITS))


@pytest.mark.parametrize(
    ("case", "form", "wrong"),
    [
        (DENIED, DENIED_FORM, {"outcome": "pend"}),
        (DENIED, DENIED_FORM, {"reached": True}),
        (DENIED, DENIED_FORM, {"complete": False}),
        (DENIED, DENIED_FORM, {"changes": []}),
        (DENIED, DENIED_FORM, {"changes": entries({"evidence": False})}),
        (DENIED, DENIED_FORM, {"changes": entries({"evidence": True, "mutation": True})}),
        (DENIED, DENIED_FORM, {"changes": entries({"evidence": True}, {"mutation": True})}),
        (DENIED, DENIED_FORM, {"approve_if": entries({"evidence": True})}),
        (DENIED, DENIED_FORM, {"reasons": []}),
        (DENIED, DENIED_FORM, {"reasons": entries({"evidence": False})}),
        (DENIED, DENIED_FORM, {"reasons": entries({"evidence": False, "mutation": True})}),
        (DENIED, DENIED_FORM, {"reasons": DENIED_FORM["reasons"] * 2}),
        (OPEN, OPEN_FORM, {"changes": entries({"weeks": {"at_least": 4}})}),
        (OPEN, OPEN_FORM, {"changes": entries({"mutation": True}, {"weeks": {"at_least": 8}})}),
        (OPEN, OPEN_FORM, {"changes": entries({"mutation": True}, {"weeks": {"at_least": 5}})}),
        (OPEN, OPEN_FORM, {"changes": entries({"mutation": True}, {"weeks": {}})}),
        (OPEN, OPEN_FORM, {"changes": entries({"drugs": {"add": [], "remove": []}})}),
        (OPEN, OPEN_FORM, {"approve_if": []}),
        (OPEN, OPEN_FORM, {"reasons": entries({"evidence": True})}),
    ],
)
def test_the_comparison_notices_what_is_wrong(
    case: Mapping[str, Any], form: Mapping[str, Any], wrong: Mapping[str, Any]
) -> None:
    assert noticed(case, form) == []
    assert noticed(case, {**form, **wrong}) != []


def test_the_facts_of_the_brute_force_are_those_of_the_vocabulary(kb: KnowledgeBase) -> None:
    stated = kb.vocabulary.facts
    assert set(stated) == set(explained_cases.FACTS)
    for name, fact in explained_cases.FACTS.items():
        assert (fact.kind, fact.changer) == (stated[name].kind, stated[name].changer), name
        if fact.kind in ("choice", "set"):
            assert sorted(map(str, fact.values)) == list(stated[name].values), name


# --- The engine -----------------------------------------------------------------------------


@pytest.mark.parametrize("part", range(5))
def test_the_packaged_policies_are_explained_as_brute_force_explains_them(
    kb: KnowledgeBase, part: int
) -> None:
    rng = random.Random(part)
    explained_at_all = 0
    for one in compare_packaged(kb, seed=f"{SEED}:{part}", cases=30, whole_every=30):
        assert one.differences == [], one.request
        assert tried_out(kb, one, rng) == [], one.request
        explained_at_all += bool(one.form["changes"] or one.form["reasons"])
    assert explained_at_all > 20


@pytest.mark.parametrize("part", range(2))
def test_random_policies_are_explained_as_brute_force_explains_them(part: int) -> None:
    rng = random.Random(part)
    proved = set()
    for kb, one in compare_synthetic(
        seed=f"{SEED}:{part}", policies=12, questions=2, most_points=600
    ):
        request = one.request
        if (request.policy, request.version) not in proved:
            assert kb.counterexample(request.policy, on=request.version) is None
            proved.add((request.policy, request.version))
        assert one.differences == [], request
        assert tried_out(kb, one, rng) == [], request
    assert len(proved) >= 12
