"""Coverage is what brute force over all completions finds, on a policy small enough for it."""

import itertools
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from engine.analysis.coverage import Covered, Example, ItemKind, Meter, State
from facts.case import Case, read_facts
from policygrounds import KnowledgeBase, Outcome, PolicyTestReport

POLICY = """
policy("T-1", "Test Health", ixazomib, "Ixazomib").
source("T-1", "Invented").
version("T-1", "2025-01-01", open, published, "The only one.").
reading("T-1", lines, "Is one line enough?").
reading_section("T-1", lines, "1.c").
choice("T-1", lines, one, "One line").
choice("T-1", lines, two, "Two lines").
default_choice("T-1", lines, one).

criterion("T-1", "1", "Approval").
pathway("T-1", "1").
applies("T-1", "1") :- is(request, (initial; continuation)).
all_of("T-1", "1", ("1.a"; "1.b"; "1.c"; "1.d")).
criterion("T-1", "1.a", "Adult").
met("T-1", "1.a") :- at_least(age, 18).
criterion("T-1", "1.b", "A specialist").
any_of("T-1", "1.b", ("1.b.i"; "1.b.ii")).
criterion("T-1", "1.b.i", "Prescribes").
met("T-1", "1.b.i") :- is(prescriber, oncologist).
criterion("T-1", "1.b.ii", "Was consulted").
met("T-1", "1.b.ii") :- yes(specialist_consulted).
criterion("T-1", "1.c", "Enough lines").
met("T-1", "1.c") :- at_least(prior_lines, 2).
met("T-1", "1.c") :- at_least(prior_lines, 1), reads("T-1", lines, one).
criterion("T-1", "1.d", "At least as much as 1.a asks").
met("T-1", "1.d") :- at_least(age, 12).

criterion("T-1", "2", "Younger patients").
disposition("T-1", "2").
applies("T-1", "2") :- not approved("T-1").
any_of("T-1", "2", "2.a").
criterion("T-1", "2.a", "Another policy looks at children").
met("T-1", "2.a") :- not met("T-1", "1.a").
refers("T-1", "2.a", "T-2") :- applies("T-1", "2"), met("T-1", "2.a").
denies("T-1", "2", not_medically_necessary) :- applies("T-1", "2"), not met("T-1", "2.a").
"""

# The same in Python. The values of a fact are told apart as far as the policy does.
VALUES: dict[str, list[Any]] = {
    "age": [11, 12, 17, 18],
    "prescriber": ["oncologist", "other"],
    "specialist_consulted": [False, True],
    "prior_lines": [0, 1, 2],
}
READINGS = ("one", "two")
SECTIONS = ("1", "1.a", "1.b", "1.b.i", "1.b.ii", "1.c", "1.d", "2", "2.a")

Point: TypeAlias = Mapping[str, Any]
Known: TypeAlias = Mapping[str, Sequence[Any]]
Supposed: TypeAlias = Mapping[str, bool]


def statuses(point: Point, reading: str, supposed: Supposed) -> dict[str, bool]:
    """Say what is met, some criteria being given."""
    met: dict[str, bool] = {}

    def say(section: str, holds: bool) -> None:  # noqa: FBT001 - it reads as a sentence
        met[section] = supposed.get(section, holds)

    say("1.a", point["age"] >= 18)
    say("1.b.i", point["prescriber"] == "oncologist")
    say("1.b.ii", point["specialist_consulted"])
    say("1.b", met["1.b.i"] or met["1.b.ii"])
    say("1.c", point["prior_lines"] >= (1 if reading == "one" else 2))
    say("1.d", point["age"] >= 12)
    say("1", met["1.a"] and met["1.b"] and met["1.c"] and met["1.d"])
    say("2.a", not met["1.a"])
    say("2", met["2.a"])
    return met


def outcomes(point: Point, reading: str, supposed: Supposed) -> frozenset[str]:
    met = statuses(point, reading, supposed)
    if met["1"]:
        return frozenset({"approve"})
    return frozenset({"refer" if met["2.a"] else "deny"})


def points(known: Known) -> list[Point]:
    return [dict(zip(known, values, strict=True)) for values in itertools.product(*known.values())]


def outcome(known: Known, reading: str, supposed: Supposed | None = None) -> str:
    every = {each for p in points(known) for each in outcomes(p, reading, supposed or {})}
    return every.pop() if len(every) == 1 else "pend"


def covered_by(known: Known, reading: str) -> set[str]:
    """List what a case covers of criteria and readings, as docs/semantics.md defines it."""
    found = set()
    plain = outcome(known, reading)
    for section in SECTIONS:
        met = {statuses(point, reading, {})[section] for point in points(known)}
        supposed = {way: outcome(known, reading, {section: way}) for way in (True, False)}
        if plain != "pend" and met == {True} and supposed[False] != plain:
            found.add(f"{section} met")
        if plain != "pend" and met == {False} and supposed[True] != plain:
            found.add(f"{section} not met")
        if (
            plain == "pend"
            and met == {True, False}
            and "pend" not in supposed.values()
            and supposed[True] != supposed[False]
        ):
            found.add(f"{section} unknown")
    (other,) = set(READINGS) - {reading}
    if outcome(known, other) != plain:
        found.add(f"lines={reading}")
    return found


def stated(known: Known) -> dict[str, Any]:
    """State what is known in the JSON form."""
    facts: dict[str, Any] = {"request": "initial"}
    for name, values in known.items():
        if len(values) == len(VALUES[name]):
            continue
        if len(values) == 1:
            facts[name] = values[0]
        else:
            facts[name] = {"at_least": min(values), "at_most": max(values)}
    return facts


def random_known(rng: random.Random) -> Known:
    known = {}
    for name, values in VALUES.items():
        first, last = sorted(rng.choices(range(len(values)), k=2))
        if name in ("prescriber", "specialist_consulted") or rng.random() < 0.6:
            first = last
        known[name] = values if rng.random() < 0.35 else values[first : last + 1]
    return known


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    folder = tmp_path_factory.mktemp("small")
    (folder / "T-1.lp").write_text(POLICY)
    return KnowledgeBase.load(folder)


@pytest.fixture
def meter(small: KnowledgeBase) -> Meter:
    policy = small.policies["T-1"]
    return Meter(policy, policy.versions[0], small.vocabulary)


def example(small: KnowledgeBase, facts: Mapping[str, Any], reading: str = "one") -> Example:
    known, problems = read_facts(Case(policy="T-1", facts=facts), small.vocabulary)
    assert not problems
    return Example("case", known, {"lines": reading})


def compared(found: Sequence[Covered]) -> Iterator[Covered]:
    kinds = (ItemKind.MET, ItemKind.NOT_MET, ItemKind.UNKNOWN, ItemKind.READING)
    yield from (each for each in found if each.item.kind in kinds)


def test_a_case_covers_what_brute_force_finds(small: KnowledgeBase, meter: Meter) -> None:
    rng = random.Random("coverage")
    seen: set[str] = set()
    for _ in range(500):
        known, reading = random_known(rng), rng.choice(READINGS)
        found = meter.measure([example(small, stated(known), reading)], propose=False)
        covered = {str(each.item) for each in compared(found) if each.state is State.COVERED}
        assert covered == covered_by(known, reading), (known, reading)
        seen |= covered
    impossible = {
        str(each.item)
        for each in compared(meter.measure([], propose=False))
        if each.state is State.IMPOSSIBLE
    }
    assert seen == {str(each.item) for each in compared(meter.measure([]))} - impossible


def test_what_is_proved_impossible_no_case_of_the_policy_covers(meter: Meter) -> None:
    found = meter.measure([], propose=False)
    impossible = {str(each.item) for each in compared(found) if each.state is State.IMPOSSIBLE}
    # 1.d asks less than 1.a, so nobody fails it alone; nothing looks at 2 itself.
    assert impossible == {
        "1.d not met",
        "1.d unknown",
        "2 met",
        "2 not met",
        "2 unknown",
    }
    values = [
        [v[i : j + 1] for i in range(len(v)) for j in range(i, len(v))] for v in VALUES.values()
    ]
    for ranges in itertools.product(*values):
        known = dict(zip(VALUES, ranges, strict=True))
        for reading in READINGS:
            assert not covered_by(known, reading) & impossible


def test_a_threshold_is_covered_by_two_cases_alike_but_for_it(
    small: KnowledgeBase, meter: Meter
) -> None:
    facts = {"request": "initial", "prescriber": "oncologist", "prior_lines": 1}

    def covered(*examples: Example) -> set[str]:
        return {
            str(each.item)
            for each in meter.measure(examples, propose=False)
            if each.item.kind is ItemKind.THRESHOLD and each.state is State.COVERED
        }

    at_18 = example(small, {**facts, "age": 18})
    assert covered(example(small, {**facts, "age": 17}), at_18) == {"1.a age 17 | 18"}
    assert covered(at_18) == set()
    assert covered(example(small, {**facts, "age": 16}), at_18) == set()
    assert covered(example(small, {**facts, "age": 17, "prior_lines": 2}), at_18) == set()
    assert covered(example(small, {**facts, "age": 17}, "two"), at_18) == set()


def test_a_threshold_that_never_turns_an_outcome_is_proved_impossible(meter: Meter) -> None:
    found = {
        str(each.item): each.state
        for each in meter.measure([], propose=False)
        if each.item.kind is ItemKind.THRESHOLD
    }
    assert found == {
        "1.a age 17 | 18": State.OPEN,
        "1.c prior_lines 0 | 1": State.OPEN,
        "1.c prior_lines 1 | 2": State.OPEN,
        "1.d age 11 | 12": State.IMPOSSIBLE,
    }


def test_what_is_proposed_covers_everything(meter: Meter) -> None:
    proposals = [one for each in meter.measure([]) for one in each.proposals]
    found = meter.measure(proposals, propose=False)
    assert not [str(each.item) for each in found if each.state is State.OPEN]


def test_a_proposal_leaves_out_what_does_not_matter(small: KnowledgeBase, meter: Meter) -> None:
    proposed = {str(each.item): each.proposals for each in meter.measure([])}
    (referred,) = proposed["2.a met"]
    assert set(referred.known) == {"age"}
    (unknown,) = proposed["1.a unknown"]
    assert len(unknown.known) == 3
    assert "request" not in unknown.known
    case = Case(policy="T-1", facts={"age": 11})
    assert small.outcome(case) is Outcome.REFER


@pytest.mark.parametrize(
    ("most", "states"),
    [
        (1, {"all of them": "covered", "fewer requested": "cannot be covered: proved"}),
        (2, {"all of them": "not covered", "fewer requested": "covered"}),
        (120, {"all of them": "not covered", "fewer requested": "covered"}),
    ],
)
def test_a_limit_on_the_months_is_covered_by_requests_that_reach_it(
    tmp_path: Path, most: int, states: Mapping[str, str]
) -> None:
    limit = f'provision("T-1", "3", "Limit"). months_up_to("T-1", "3", "1", {most}).'
    (tmp_path / "policy.lp").write_text(f"{POLICY}{limit}")
    case = {
        "id": "one-month",
        "policy": "T-1",
        "on": "2025-01-01",
        "facts": {
            "request": "initial",
            "age": 18,
            "prescriber": "oncologist",
            "prior_lines": 1,
            "requested_months": 1,
        },
        "expect": {"outcome": "approve", "months": 1},
        "why": "Every item is met (1).",
    }
    (tmp_path / "policy.cases.json").write_text(json.dumps([case]))
    (report,) = KnowledgeBase.load(tmp_path).test().policies
    assert report.passed
    (coverage,) = report.coverage
    found = {
        each.item.subject: each.state.value
        for each in coverage.covered
        if each.item.kind is ItemKind.AUTHORIZATION
    }
    months = "1 month" if most == 1 else f"{most} months"
    assert found == {f"3 for 1: up to {months}, {which}": states[which] for which in states}
    granted = [
        proposal.expect["months"]
        for proposal in coverage.proposals
        if any("all of them" in need for need in proposal.needs)
    ]
    assert granted == ([] if most == 1 else [most])


@pytest.fixture(scope="module")
def packaged(kb: KnowledgeBase) -> PolicyTestReport:
    return kb.test(propose=False)


def test_the_packaged_policies_are_covered_in_full_by_tests_that_pass(
    kb: KnowledgeBase, packaged: PolicyTestReport
) -> None:
    assert not packaged.faults
    failed = [one.test.id for each in packaged.policies for one in each.checked if not one.passed]
    assert failed == []
    assert {
        (each.policy.number, coverage.version): coverage.percent
        for each in packaged.policies
        for coverage in each.coverage
    } == {
        (policy.number, version.start): 100
        for policy in kb.policies.values()
        for version in policy.versions
    }
    assert packaged.passes()


def test_what_no_case_can_cover_of_the_packaged_policies_is_known(
    packaged: PolicyTestReport,
) -> None:
    impossible = {
        (policy.policy.number, coverage.version): [
            str(each.item) for each in coverage.covered if each.state is State.IMPOSSIBLE
        ]
        for policy in packaged.policies
        for coverage in policy.coverage
    }
    # I.A.1 is asked of those with myeloma only; the listed regimens stand; III itself decides
    # nothing; and a reading of I.A.5.d has nothing to read before 2025.
    latest = [
        *("I.A.1 not met", "I.A.1 unknown"),
        *("I.B.* not met", "I.B.* unknown", "I.C.* not met", "I.C.* unknown"),
        *("I.D unknown", "II.B unknown", "III met", "III not met", "III unknown"),
    ]
    earlier = [
        *latest[:2],
        *("I.A.* not met", "I.A.* unknown"),
        *latest[2:],
        *("after_six_months=at_least_six", "after_six_months=more_than_six"),
        *("primary_treatment_prior_therapy=both_bind", "primary_treatment_prior_therapy=waived"),
        *("substitute_conditions=both_arms", "substitute_conditions=relapse_arm_only"),
    ]
    # The diagnosis decides by Policy.Other-Indications as well, so nothing hangs on it alone.
    diagnosis = [f"{root}.Diagnosis.1 unknown" for root in ("Prior-Approval", "Renewal")]
    assert impossible == {
        ("5.21.071", "2024-01-01"): diagnosis,
        **{("CP.PHAR.302", day): earlier for day in ("2022-08-01", "2023-08-01", "2024-08-01")},
        ("CP.PHAR.302", "2025-08-01"): latest,
    }
