"""Compiled outcomes: equal to brute force, to the program by proof, and never used without one."""

import inspect
import itertools
import math
import random
import sys
from collections import defaultdict
from dataclasses import replace
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import oracle
import pytest
import soak_compiled

from engine import compiled as compiling
from engine import diagram, walk
from engine.compiled import CompiledOutcome, Compiler
from engine.determination import Decider
from engine.diagram import TERMINALS, Diagram
from engine.intake import Intake
from engine.walk import Move, State, Walks
from facts.case import read_facts
from facts.errors import CaseError
from policygrounds import Case, KnowledgeBase, Outcome

CENTENE, FEP = "CP.PHAR.302", "5.21.071"
DENIED = Case(
    policy=FEP, on="2025-09-15", facts={"request": "initial", "diagnosis": "al_amyloidosis"}
)


@pytest.fixture
def loaded() -> KnowledgeBase:
    """A knowledge base of its own, which nothing was asked of before."""
    return KnowledgeBase.load()


@pytest.mark.parametrize("seed", ["one", "two", "three", "four"])
def test_compiled_outcomes_are_those_of_brute_force(kb: KnowledgeBase, seed: str) -> None:
    done = soak_compiled.compare_packaged(kb, seed=seed, cases=150)
    assert done.counts["cases"] == 150
    assert done.disagreements == []


@pytest.mark.parametrize("seed", ["one", "two"])
def test_compiled_random_policies_are_those_of_brute_force(seed: str) -> None:
    done = soak_compiled.compare_synthetic(seed=seed, policies=8)
    assert done.counts["cases"] > 200
    assert done.disagreements == []


def altered(made: Diagram, terminals: tuple[int, ...], rng: random.Random) -> Diagram:
    """Lead one value of one question elsewhere, be it to another of the terminals."""
    number = rng.choice(sorted(made.nodes))
    node = made.nodes[number]
    value = rng.randrange(len(node.children))
    below = {
        other
        for other in (*made.nodes, *terminals)
        if other < TERMINALS or made.nodes[other].level > node.level
    }
    child = rng.choice(sorted(below - {node.children[value]}))
    children = (*node.children[:value], child, *node.children[value + 1 :])
    return replace(made, nodes={**made.nodes, number: replace(node, children=children)})


@pytest.mark.parametrize("number", [FEP, CENTENE])
def test_the_proof_notices_every_alteration(kb: KnowledgeBase, number: str) -> None:
    policy = kb.policy(number)
    of = (policy, policy.versions[-1], policy.default_readings)
    made = CompiledOutcome.of(*of, kb.vocabulary)
    assert made.equals(*of)
    rng = random.Random(number)
    for _ in range(20):
        assert not replace(made, diagram=altered(made.diagram, (0, 1, 2, 4, 7), rng)).equals(*of)


def test_the_proof_is_of_the_readings_chosen(kb: KnowledgeBase) -> None:
    policy = kb.policy(CENTENE)
    version, defaults = policy.versions[-1], policy.default_readings
    made = CompiledOutcome.of(policy, version, defaults, kb.vocabulary)
    assert made.equals(policy, version, defaults)
    assert not made.equals(policy, version, {**defaults, "after_six_months": "more_than_six"})
    # Where no case has the readings at all, nothing is proved.
    assert not made.equals(policy, version, {**defaults, "after_six_months": "seven"})


@pytest.mark.parametrize("number", [FEP, CENTENE])
def test_a_version_is_proved_under_each_reading(kb: KnowledgeBase, number: str) -> None:
    """Under the version in force; `policygrounds verify` is run on all of them beside the tests."""
    policy = kb.policy(number)
    found = kb.verify(number, on=policy.versions[-1].start)
    otherwise = [
        (name, choice)
        for name, reading in policy.readings.items()
        for choice in reading.choices
        if choice != reading.default
    ]
    assert [dict(each.readings) for each in found[:1]] == [{}]
    assert sorted(item for each in found for item in each.readings.items()) == sorted(otherwise)
    assert all(each.proved and each.nodes for each in found)


def test_what_is_asked_often_is_decided_compiled(
    loaded: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiling, "OFTEN", 2)
    assert [loaded.outcome(DENIED) for _ in range(2)] == [Outcome.DENY] * 2

    def unasked(*_: object) -> Outcome:
        raise AssertionError

    monkeypatch.setattr(Decider, "outcome", unasked)
    assert loaded.outcome(DENIED) is Outcome.DENY
    with pytest.raises(AssertionError):
        loaded.outcome(DENIED, readings={"in_combination_with": "exactly"})


@pytest.mark.parametrize("limit", ["MOST_NODES", "MOST_DOMAINS"])
def test_what_is_too_large_is_decided_by_the_solver(
    loaded: KnowledgeBase, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(diagram, limit, 10)
    monkeypatch.setattr(compiling, "OFTEN", 0)
    assert loaded.outcome(DENIED) is Outcome.DENY
    assert [(each.nodes, each.proved) for each in loaded.verify(FEP)] == [(None, False)] * 3
    made = loaded.compile(FEP, on="2025-09-15")
    assert not made.verification.proved
    assert made.outcome(DENIED.facts) is Outcome.DENY


def test_a_deep_caller_is_answered_by_the_solver(
    loaded: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiling, "OFTEN", 0)

    def below(frames: int) -> Outcome:
        return below(frames - 1) if frames else loaded.outcome(DENIED)

    loaded.outcome(DENIED, readings={"in_combination_with": "exactly"})
    depth = len(inspect.stack())
    assert below(sys.getrecursionlimit() - depth - 80) is Outcome.DENY


def test_what_is_not_proved_is_decided_by_the_solver(
    loaded: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(self: CompiledOutcome, _: object) -> Outcome:
        raise AssertionError(self)

    def failing(*_: object) -> bool:
        raise MemoryError

    monkeypatch.setattr(CompiledOutcome, "decide", wrong)
    monkeypatch.setattr(compiling, "OFTEN", 0)
    for equals, readings in ((lambda *_: False, {}), (failing, {"in_combination_with": "exactly"})):
        monkeypatch.setattr(CompiledOutcome, "equals", equals)
        assert loaded.outcome(DENIED, readings=readings) is Outcome.DENY


ODD: tuple[Any, ...] = (
    *(None, True, False, 0, 1, 2, -1, 10**9, 1.0, 2.3, 0.5, math.nan, Decimal("2.3"), Decimal(4)),
    *("initial", "Initial", "", [], (), ["bortezomib"], ["bortezomib", 1], [[]], ("carfilzomib",)),
    *({}, {"one_of": ["initial"]}, {"includes": ["bortezomib"]}, {"excludes": []}, {"in": []}),
    *({"at_least": 2}, {"at_most": 1, "at_least": 2}, {"at_least": None}, date(2026, 1, 1)),
)


class Recorded(State[str]):
    """A state that every move leads back to, and that keeps them."""

    def __missing__(self, move: Move) -> State[str]:
        self.moves: list[Move]
        self.moves.append(move)
        return self


@pytest.mark.parametrize("number", [FEP, CENTENE])
def test_facts_are_read_as_the_careful_readers_read_them(kb: KnowledgeBase, number: str) -> None:
    policy = kb.policy(number)
    version = policy.version("2025-09-15")
    made = CompiledOutcome.of(policy, version, policy.default_readings, kb.vocabulary)
    walks = Walks(made.diagram, "abcdefgh")
    walks.start = start = Recorded(walks, frozenset([made.diagram.root]), "")
    intake = Intake(made.inputs, kb.vocabulary, walks)
    past = len(made.diagram.places)
    for name, raw in itertools.product([*kb.vocabulary.facts, "agee"], (*ODD, *ODD)):
        known, problems = read_facts(Case(policy=number, facts={name: raw}), kb.vocabulary)
        possible = [domain.all for domain in made.inputs.domains]
        made.inputs.confine(possible, known)
        expected = [
            walks.move(level, possible[place])
            for level, place in enumerate(made.diagram.places)
            if level < made.diagram.members_from or possible[place] != 0b01
        ]
        start.moves = []
        assert (intake.end({name: raw}) is None) == bool(problems), (name, raw)
        asked = [move for move in start.moves if move < walks.move(past, 0)]
        assert problems or asked == expected, (name, raw)


def test_cases_are_read_in_whatever_order_and_number_their_facts_come(kb: KnowledgeBase) -> None:
    rng = random.Random(7)
    made = kb.compile(CENTENE, on="2025-09-15")
    names = list(kb.vocabulary.facts)
    for _ in range(300):
        drawn = oracle.random_case(rng, CENTENE, complete=True, free_budget=1)
        rng.shuffle(names)
        facts = {name: drawn.get(name) for name in names[: rng.randint(0, len(names))]}
        stated = Case(policy=CENTENE, on="2025-09-15", facts=facts)
        assert made.outcome(facts) is kb.outcome(stated)
        for wrong in ({"agee": 3}, {"agee": None}):
            with pytest.raises(CaseError):
                made.outcome({**facts, **wrong})


def test_what_walks_keep_is_forgotten_when_it_is_too_much(
    kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk, "MOST_STEPS", 50)
    policy = kb.policy(CENTENE)
    version = policy.version("2025-09-15")
    made = CompiledOutcome.of(policy, version, policy.default_readings, kb.vocabulary)
    rng, first = random.Random(8), made.walks.start
    for _ in range(100):
        facts = oracle.random_case(rng, CENTENE, complete=False, free_budget=20)
        case = Case(policy=CENTENE, on="2025-09-15", facts=facts)
        assert made.decide(read_facts(case, kb.vocabulary)[0]) is kb.outcome(case)
    assert made.walks.start is not first
    assert len(made.walks._states) <= 51


def test_a_compiled_policy_refuses_what_a_knowledge_base_refuses(kb: KnowledgeBase) -> None:
    made = kb.compile(FEP, on="2025-09-15")
    wrong: tuple[Any, ...] = (
        *({"agee": 3, "age": "old"}, {"age": [[]]}, {1: 2}, {None: None}),
        *(None, [], "age", [("age", 3)], 5, dict.fromkeys(range(len(kb.vocabulary.facts)))),
        list(range(len(kb.vocabulary.facts))),
    )
    for facts in wrong:
        with pytest.raises(CaseError) as refused:
            made.outcome(facts)
        with pytest.raises(CaseError) as said:
            kb.outcome(Case(policy=FEP, on="2025-09-15", facts=facts))
        assert refused.value.problems == said.value.problems
    assert made.outcome(DENIED.facts) is Outcome.DENY


def test_facts_in_other_mappings_and_arrays_are_read_as_by_a_knowledge_base(
    kb: KnowledgeBase,
) -> None:
    numpy = pytest.importorskip("numpy")
    made = kb.compile(FEP, on="2025-09-15")
    first, *others = kb.vocabulary.facts
    unnamed = defaultdict[str, object](lambda: None, dict.fromkeys(others) | {"no_such": True})
    arrays = ({"prior_drugs": numpy.array(["ixazomib", "bortezomib"])}, {"t_11_14": numpy.ones(2)})
    for facts in (unnamed, *arrays):
        with pytest.raises(CaseError):
            made.outcome(facts)
    assert first not in unnamed
    assert made.outcome(MappingProxyType(dict(DENIED.facts))) is Outcome.DENY


def test_readings_are_compiled_one_by_one(kb: KnowledgeBase) -> None:
    policy = kb.policy(FEP)
    compiler = Compiler(policy, policy.versions[-1], kb.vocabulary)
    exactly = {**policy.default_readings, "in_combination_with": "exactly"}
    for _ in range(compiling.OFTEN):
        assert compiler.asked(policy.default_readings) is None
    first = compiler.asked(policy.default_readings)
    assert first is not None
    assert compiler.asked(exactly) is None
    assert compiler.asked(policy.default_readings) is first
