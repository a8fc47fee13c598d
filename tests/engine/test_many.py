"""Many cases at once: equal to determinations one by one, by proof, and never used without one."""

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import oracle
import pytest
import synthetic
from drawing import forgotten, stated
from explanations import every, units_of
from synthetic_facts import random_vocabulary

from engine import diagram
from engine import many as engine_many
from engine.circuit import Gate
from engine.determination import Answer, Determination, Outcome
from engine.diagram import TERMINALS
from engine.inputs import places
from engine.lanes import complete, written
from engine.many import ManyCases, ManyPolicies, PartlyKnown, prove_many, proved_many
from facts.case import read_facts
from facts.values import Known
from policygrounds import Case, KnowledgeBase

CENTENE, FEP = "CP.PHAR.302", "5.21.071"
VERSIONS = [(policy, start) for policy in (FEP, CENTENE) for start in oracle.VERSIONS[policy]]
NAMES = [each.name for each in fields(Answer)]
FREE_BUDGET = 10_000
ALTERATIONS = 20


def made(
    kb: KnowledgeBase, number: str, start: str, readings: Mapping[str, str] | None = None
) -> ManyCases:
    policy = kb.policy(number)
    return ManyCases(
        policy, policy.version(start), policy.default_readings | dict(readings or {}), kb.vocabulary
    )


def columns(
    many: ManyCases | ManyPolicies, cases: Sequence[Mapping[str, Known]]
) -> list[list[int]]:
    """Lay out cases, one lane each, for each value of each domain."""
    domains = many.inputs.domains
    found = [[0] * domain.size for domain in domains]
    for lane, known in enumerate(cases):
        possible = [domain.all for domain in domains]
        many.inputs.confine(possible, known)
        for place, values in enumerate(possible):
            for value in places(values):
                found[place][value] |= 1 << lane
    return found


def bits(lanes: Sequence[int], case: int) -> int:
    """Return what is answered of one case, the first lane as the lowest bit."""
    return sum((lane >> case & 1) << place for place, lane in enumerate(lanes))


def parts(answer: Answer) -> dict[str, Any]:
    """Return what a determination says of an answer."""
    found = {name: getattr(answer, name) for name in NAMES}
    return found | {"needs_clinician": answer.needs_clinician}


def known_facts(kb: KnowledgeBase, facts: Mapping[str, object]) -> Mapping[str, Known]:
    known, problems = read_facts(Case(policy=FEP, facts=facts), kb.vocabulary)
    assert problems == []
    return known


def partly_known(many: ManyCases) -> PartlyKnown:
    """Return what answers cases with unknown facts; it is right, and not too large."""
    found = many.partly_known()
    assert found is not None
    return found


def compare(
    kb: KnowledgeBase,
    many: ManyCases,
    expected: Sequence[Determination],
    cases: Sequence[Mapping[str, object]],
) -> None:
    """Answer cases all at once and compare with determinations; those that are complete twice."""
    known = [known_facts(kb, facts) for facts in cases]
    ones = (1 << len(cases)) - 1
    laid_out = columns(many, known)
    partial = partly_known(many).answered(laid_out, ones)
    for place, each in enumerate(expected):
        assert parts(many.answer(bits(partial, place))) == parts(each), cases[place]
    settled = [place for place in range(len(cases)) if complete(laid_out, ones) >> place & 1]
    own = columns(many, [known[place] for place in settled])
    of_complete = many.of_complete(own, (1 << len(settled)) - 1)
    assert [bits(of_complete, place) for place in range(len(settled))] == [
        bits(partial, place) for place in settled
    ]


@pytest.mark.parametrize("chosen", ["default", "random"])
@pytest.mark.parametrize(("number", "start"), VERSIONS)
def test_many_cases_are_answered_as_each_is_determined(
    kb: KnowledgeBase, number: str, start: str, chosen: str
) -> None:
    rng = random.Random(f"{number} {start} {chosen}")
    readings: dict[str, str] = {}
    while chosen == "random" and readings in ({}, kb.policy(number).default_readings):
        readings = oracle.random_readings(rng, number)
    cases = [
        oracle.random_case(rng, number, complete=place % 2 == 0, free_budget=FREE_BUDGET)
        for place in range(50)
    ]
    expected = [
        kb.determine(Case(policy=number, on=start, facts=facts), readings=readings)
        for facts in cases
    ]
    assert {each.outcome for each in expected} >= {Outcome.DENY, Outcome.PEND}
    compare(kb, made(kb, number, start, readings), expected, cases)


def test_a_case_that_contradicts_itself_has_no_answer(kb: KnowledgeBase) -> None:
    facts = {"prior_lines": 0, "prior_drugs": ["bortezomib"]}
    determination = kb.determine(Case(policy=CENTENE, on="2025-09-15", facts=facts))
    assert [each.kind for each in determination.problems] == ["contradiction"]
    compare(kb, made(kb, CENTENE, "2025-09-15"), [determination], [facts])


def test_all_that_can_be_known_makes_a_case_complete(kb: KnowledgeBase) -> None:
    many = made(kb, FEP, "2025-09-15")
    rng = random.Random(1)
    facts = oracle.random_case(rng, FEP, complete=True, free_budget=1)
    open_facts = {**facts, "age": {"at_least": 17}}
    unasked = {name: value for name, value in facts.items() if name in many.inputs.of_fact}
    cases = [known_facts(kb, each) for each in (facts, open_facts, {}, unasked)]
    assert complete(columns(many, cases), 0b1111) == 0b1001


@pytest.mark.parametrize(("number", "start"), VERSIONS)
def test_outcomes_alone_are_those_of_whole_answers(
    kb: KnowledgeBase, number: str, start: str
) -> None:
    rng = random.Random(start)
    policy = kb.policy(number)
    of = (policy, policy.version(start), policy.default_readings, kb.vocabulary)
    whole, alone = proved_many(*of), proved_many(*of, parts=False)
    assert whole
    assert alone
    cases = [
        oracle.random_case(rng, number, complete=place % 2 == 0, free_budget=FREE_BUDGET)
        for place in range(100)
    ]
    laid_out = columns(whole, [known_facts(kb, facts) for facts in cases])
    ones = (1 << len(cases)) - 1
    one, other = (partly_known(each).answered(laid_out, ones) for each in (whole, alone))
    found = [alone.answer(bits(other, place)) for place in range(len(cases))]
    expected = [whole.answer(bits(one, place)) for place in range(len(cases))]
    assert [(each.outcome, each.possible) for each in found] == [
        (each.outcome, each.possible) for each in expected
    ]
    assert len({each.outcome for each in found}) > 2


def test_many_policies_together_give_the_outcomes_that_each_gives(kb: KnowledgeBase) -> None:
    rng = random.Random(7)
    of = []
    for number, start in VERSIONS:
        policy = kb.policy(number)
        readings = policy.default_readings | oracle.random_readings(rng, number)
        of.append((policy, policy.version(start), readings))
    together = ManyPolicies(of, kb.vocabulary)
    cases = [
        oracle.random_case(rng, rng.choice([FEP, CENTENE]), complete=True, free_budget=1)
        for _ in range(80)
    ]
    known = [known_facts(kb, facts) for facts in cases]
    found = together.outcomes(columns(together, known), (1 << len(cases)) - 1)
    for (policy, version, readings), (approved, referred, denied) in zip(of, found, strict=True):
        expected = [
            kb.outcome(Case(policy=policy.number, on=version.start, facts=facts), readings=readings)
            for facts in cases
        ]
        lanes = {Outcome.APPROVE: approved, Outcome.REFER: referred, Outcome.DENY: denied}
        for outcome, held in lanes.items():
            assert [bool(held >> place & 1) for place in range(len(cases))] == [
                each is outcome for each in expected
            ]


def synthetic_kb(policies: Sequence[synthetic.Policy], vocabulary: Any, to: Path) -> KnowledgeBase:
    synthetic.Folder(vocabulary, policies).write(to)
    return KnowledgeBase.load(to)


def random_facts(rng: random.Random, policy: synthetic.Policy) -> dict[str, Any]:
    """Draw a case of a random policy, with some units forgotten; contradictions may be in it."""
    units = [unit for fact in policy.facts for unit in units_of(fact)]
    known: dict[str, tuple[int, ...]] = {unit.name: (rng.choice(every(unit)),) for unit in units}
    for unit in rng.sample(units, rng.randint(0, len(units))):
        known[unit.name] = forgotten(rng, unit, known[unit.name][0])
    facts: dict[str, Any] = stated(rng, policy.facts, known)
    return facts


def compare_synthetic(
    rng: random.Random, kb: KnowledgeBase, policy: synthetic.Policy, cases: int
) -> list[Determination]:
    """Compare all versions of a random policy; return the determinations."""
    found = []
    for start in policy.versions:
        readings = {name: rng.choice(choices) for name, choices in policy.readings.items()}
        drawn = [random_facts(rng, policy) for _ in range(cases)]
        expected = [
            kb.determine(Case(policy=policy.number, on=start, facts=facts), readings=readings)
            for facts in drawn
        ]
        many = made(kb, policy.number, start, readings)
        assert many.equals()
        compare(kb, many, expected, drawn)
        found += expected
    return found


@pytest.mark.parametrize("seed", ["one", "two"])
def test_many_cases_of_random_policies_are_answered_as_each_is_determined(
    tmp_path: Path, seed: str
) -> None:
    rng = random.Random(seed)
    folder = synthetic.random_folder(rng, 6)
    kb = synthetic_kb(folder.policies, folder.vocabulary, tmp_path)
    found = [each for policy in folder.policies for each in compare_synthetic(rng, kb, policy, 15)]
    assert {each.outcome for each in found} == {*Outcome}


@pytest.mark.parametrize("fault", synthetic.FAULTS)
def test_cases_that_a_faulty_policy_gives_no_outcome_or_two_are_pended(
    tmp_path: Path, fault: str
) -> None:
    rng = random.Random(fault)
    vocabulary = random_vocabulary(rng)
    policies = [
        synthetic.random_policy(rng, vocabulary, number, most_points=2_000, fault=fault)
        for number in synthetic.numbers(6)
    ]
    kb = synthetic_kb(policies, vocabulary, tmp_path)
    found = [each for policy in policies for each in compare_synthetic(rng, kb, policy, 15)]
    broken = [each for each in found if [problem.kind for problem in each.problems] == [fault]]
    assert broken
    assert {each.outcome for each in broken} == {Outcome.PEND}


@pytest.mark.parametrize(("number", "start"), VERSIONS)
def test_every_version_is_proved(kb: KnowledgeBase, number: str, start: str) -> None:
    policy = kb.policy(number)
    version = policy.version(start)
    assert proved_many(policy, version, policy.default_readings, kb.vocabulary)


def test_the_proof_is_of_the_readings_chosen(kb: KnowledgeBase) -> None:
    many = made(kb, CENTENE, "2025-09-15")
    policy, version, readings = many._of
    for other in ("more_than_six", "no such choice"):
        # Where no case has the readings at all, nothing is proved.
        many._of = (policy, version, {**readings, "after_six_months": other})
        assert not many.equals()
    many._of = (policy, version, readings)
    assert many.equals()


def altered_gate(gate: Gate, rng: random.Random) -> Gate:
    """Turn one literal of a gate around, or ask for another number of them."""
    at = rng.randrange(len(gate.literals))
    turned = tuple(-each if place == at else each for place, each in enumerate(gate.literals))
    others = [bound for bound in range(1, len(gate.literals) + 1) if bound != gate.bound]
    return rng.choice(
        [replace(gate, literals=turned), *(replace(gate, bound=bound) for bound in others)]
    )


@contextmanager
def with_gate(many: ManyCases, number: int, gate: Gate) -> Iterator[None]:
    nodes = many._circuit.nodes
    before, nodes[number] = nodes[number], gate
    try:
        yield
    finally:
        nodes[number] = before


def gates_below(many: ManyCases) -> list[tuple[int, Gate]]:
    """Return the gates that answers are made of."""
    cone = many._circuit.cone(many._answered)
    nodes = many._circuit.nodes
    return [(n, gate) for n in cone if isinstance(gate := nodes[n], Gate) and gate.literals]


@pytest.mark.parametrize("number", [FEP, CENTENE])
def test_the_proof_notices_every_gate_altered(kb: KnowledgeBase, number: str) -> None:
    many = made(kb, number, "2025-09-15")
    rng = random.Random(number)
    gates = gates_below(many)
    for _ in range(ALTERATIONS):
        place, gate = rng.choice(gates)
        with with_gate(many, place, altered_gate(gate, rng)):
            assert not many.equals(), (place, gate)
    assert many.equals()


@pytest.mark.parametrize("number", [FEP, CENTENE])
def test_the_proof_notices_a_gate_by_which_a_case_is_answered_otherwise(
    kb: KnowledgeBase, number: str
) -> None:
    rng = random.Random(number)
    right = made(kb, number, "2025-09-15")
    drawn = [oracle.random_case(rng, number, complete=True, free_budget=1) for _ in range(200)]
    laid_out = columns(right, [known_facts(kb, facts) for facts in drawn])
    ones = (1 << len(drawn)) - 1
    answers = right.of_complete(laid_out, ones)
    gates = gates_below(right)
    noticed = 0
    while noticed < ALTERATIONS // 4:
        place, gate = rng.choice(gates)
        with with_gate(right, place, altered_gate(gate, rng)):
            if written(right._circuit, right._answered)(laid_out, ones) != answers:
                noticed += 1
                assert not right.equals(), (place, gate)


@pytest.mark.parametrize(("number", "alterations"), [(FEP, ALTERATIONS), (CENTENE, 6)])
def test_the_check_notices_every_node_altered(
    kb: KnowledgeBase, number: str, alterations: int
) -> None:
    many = made(kb, number, "2025-09-15")
    diagrams = partly_known(many)._diagrams
    nodes = diagrams._nodes
    rng = random.Random(number)
    below = sorted(diagrams._below_all(diagrams.roots))
    for _ in range(alterations):
        place = rng.choice(below)
        level, children = before = nodes[place]
        value = rng.randrange(len(children))
        others = [0, 1, *(other for other in below if nodes[other][0] > level)]
        child = rng.choice([other for other in others if other != children[value]])
        nodes[place] = (level, (*children[:value], child, *children[value + 1 :]))
        assert not diagrams.are_right(), (place, value, child)
        nodes[place] = before
    assert diagrams.are_right()


def test_nodes_are_handed_on_with_the_children_first(kb: KnowledgeBase) -> None:
    many = made(kb, CENTENE, "2025-09-15")
    for number, (_, children) in enumerate(partly_known(many)._nodes, start=TERMINALS):
        assert all(child < number for child in children)
    diagrams = partly_known(many)._diagrams
    assert len(partly_known(many)._nodes) == len(diagrams._below_all(diagrams.roots))


@pytest.fixture
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget what was proved before in this process."""
    monkeypatch.setattr(engine_many, "_proved", {})


@pytest.mark.usefixtures("nothing_kept")
def test_what_was_proved_is_kept_for_the_same_readings_alone(
    kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = kb.policy(FEP)
    version, defaults = policy.versions[-1], policy.default_readings
    first = proved_many(policy, version, defaults, kb.vocabulary)
    exactly = {**defaults, "in_combination_with": "exactly"}
    assert first is not proved_many(policy, version, exactly, kb.vocabulary)
    assert first is not proved_many(policy, version, defaults, kb.vocabulary, parts=False)
    assert first is proved_many(policy, version, defaults, kb.vocabulary)
    monkeypatch.setattr(engine_many, "MOST_KEPT", 1)
    proved_many(policy, version, {**exactly, "progression_or_toxicity": "not_both"}, kb.vocabulary)
    assert len(engine_many._proved) == 1
    assert first is not proved_many(policy, version, defaults, kb.vocabulary)


@pytest.mark.usefixtures("nothing_kept")
@pytest.mark.parametrize("limit", ["MOST_NODES", "MOST_DOMAINS"])
def test_what_is_too_large_is_compiled_for_complete_cases_alone(
    kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    policy = kb.policy(FEP)
    of = (policy, policy.versions[-1], policy.default_readings, kb.vocabulary)
    monkeypatch.setattr(diagram, limit, 10)
    many = proved_many(*of)
    assert many is not None
    assert many.partly_known() is None
    assert prove_many(*of) is None
    monkeypatch.undo()
    assert many.partly_known() is None
    assert prove_many(*of) is True


@pytest.mark.usefixtures("nothing_kept")
def test_diagrams_that_are_not_right_are_not_used(
    kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = kb.policy(FEP)
    monkeypatch.setattr(PartlyKnown, "are_right", lambda _: False)
    many = proved_many(policy, policy.versions[-1], policy.default_readings, kb.vocabulary)
    assert many is not None
    assert many.partly_known() is None


@pytest.mark.usefixtures("nothing_kept")
def test_what_is_not_proved_is_not_used(kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: ManyCases) -> bool:
        raise MemoryError

    policy = kb.policy(FEP)
    of = (policy, policy.versions[-1], policy.default_readings, kb.vocabulary)
    for equals in (lambda _: False, fails):
        monkeypatch.setattr(ManyCases, "equals", equals)
        assert proved_many(*of) is None
