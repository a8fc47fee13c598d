"""Which fact to ask for next: the one whose answer is expected to settle most."""

import random
from collections.abc import Collection, Mapping, Sequence

from engine.circuit import Circuit, Evaluator, Literal, striped
from engine.explanation import Question
from engine.inputs import Domain, places
from engine.policy import Version, branches
from facts.vocabulary import Fact

SAMPLE = 4_096
"""Completions drawn; those that break a contradiction are left out."""
MEMBERSHIP = 8
"""One in so many members of a set is drawn as in it: few of all drugs are given to one patient."""
MOST_CELLS = 1_024
"""Answers told apart for one question."""


class Interviewer:
    """Estimates from a sample of completions what the answer to each question would settle.

    The sample is the same every time. Two completions drawn at random differ in their outcome
    with some chance; an answer is expected to reduce it. The question that reduces it most is
    asked: the choice of a split in a decision tree by Gini impurity (Breiman and others, 1984).
    """

    def __init__(
        self, circuit: Circuit, version: Version, valid: Literal, outcomes: Sequence[Literal]
    ) -> None:
        self._circuit = circuit
        self._valid = valid
        self._outcomes = outcomes
        self._evaluator = Evaluator(circuit, [valid, *outcomes])
        drawn = random.Random(SAMPLE)  # noqa: S311  (a sample, not a secret)
        self._drawn = [_draw(drawn, domain) for domain in circuit.domains]
        self._order = order_of(circuit, version)

    def best(
        self, possible: Sequence[int], matter: Collection[str], facts: Mapping[str, Fact]
    ) -> Question | None:
        """Return the question to ask, out of those whose answers matter, or None without any.

        `possible` are the values each domain may have. Where no sampled completions differ, the
        questions come in the policy's order.
        """
        if not matter:
            return None
        lanes = self._lanes(possible)
        valid, outcomes = self._outcome_lanes(possible, lanes)
        before = _impurity([valid], outcomes, 1.0)
        ordered = sorted(matter, key=self._place_in_policy)
        settles = {
            fact: 1
            - _impurity(self._cells(fact, valid, possible, lanes), outcomes, before) / before
            if before
            else 0.0
            for fact in ordered
        }
        best = max(ordered, key=lambda fact: round(settles[fact], 6))
        return Question(best, facts[best].question, max(0.0, settles[best]))

    def _place_in_policy(self, fact: str) -> int:
        return self._order.index(fact) if fact in self._order else len(self._order)

    def _lanes(self, possible: Sequence[int]) -> list[Sequence[int]]:
        """Return for each domain and value the completions of the sample that have it."""
        return [
            _confined(drawn, values) for drawn, values in zip(self._drawn, possible, strict=True)
        ]

    def _outcome_lanes(
        self, possible: Sequence[int], lanes: Sequence[Sequence[int]]
    ) -> tuple[int, list[int]]:
        circuit, ones = self._circuit, (1 << SAMPLE) - 1
        sources = [0] * len(circuit.sources)
        for place, values in enumerate(possible):
            for value in places(values):
                for source in circuit.held_by[place][value]:
                    sources[source] |= lanes[place][value]
        nodes = self._evaluator.evaluate(sources, ones)

        def where(literal: Literal) -> int:
            own = self._evaluator.own(literal)
            return nodes[own] if own > 0 else ones ^ nodes[-own]

        valid = where(self._valid)
        return valid, [valid & where(outcome) for outcome in self._outcomes]

    def _cells(
        self, fact: str, valid: int, possible: Sequence[int], lanes: Sequence[Sequence[int]]
    ) -> list[int]:
        """Split the sample by the answers to a question."""
        cells = [valid]
        for place, domain in enumerate(self._circuit.domains):
            if domain.unit.fact == fact and possible[place].bit_count() > 1:
                if len(cells) * domain.size > MOST_CELLS:
                    break
                split = (
                    cell & lanes[place][value]
                    for cell in cells
                    for value in places(possible[place])
                )
                cells = [cell for cell in split if cell]
        return cells


def _draw(drawn: random.Random, domain: Domain) -> list[int]:
    """Draw a value for each completion of the sample; return the completions with each value."""
    weights = [MEMBERSHIP - 1, 1] if domain.unit.member is not None else [1] * domain.size
    values = drawn.choices(range(domain.size), weights, k=SAMPLE)
    return [
        int("".join("1" if value == place else "0" for value in values), 2)
        for place in range(domain.size)
    ]


def _confined(drawn: Sequence[int], values: int) -> Sequence[int]:
    """Give completions whose value is ruled out one that is left, by turns."""
    left = list(places(values))
    if len(left) == len(drawn):
        return drawn
    confined = [lanes if values >> value & 1 else 0 for value, lanes in enumerate(drawn)]
    homeless = ((1 << SAMPLE) - 1) ^ sum(confined)
    for turn, value in enumerate(left):
        confined[value] |= homeless & striped(turn, 1, len(left), SAMPLE)
    return confined


def _impurity(cells: Sequence[int], outcomes: Sequence[int], unknown: float) -> float:
    """Return the chance that two completions of the same cell differ in their outcome.

    It is the unbiased estimate; a cell with a single completion tells nothing of its own, so it
    counts as `unknown`.
    """
    total = differing = 0.0
    for cell in cells:
        size = cell.bit_count()
        total += size
        if size < 2:
            differing += size * unknown
            continue
        same = sum(n * (n - 1) for n in ((cell & lanes).bit_count() for lanes in outcomes))
        differing += size * (1 - same / (size * (size - 1)))
    return differing / total if total else 0.0


def order_of(circuit: Circuit, version: Version) -> list[str]:
    """Return the facts in the order in which the policy's sections look at them."""
    program = version.program
    below = branches(program)
    facts = [domain.unit.fact for domain in circuit.domains[: circuit.units_end]]

    def look(literal: Literal) -> None:
        looked_at = places(circuit.units([literal]))
        found.update(dict.fromkeys(facts[place] for place in looked_at if place < len(facts)))

    found: dict[str, None] = {}

    def visit(section: str, policy: str) -> None:
        parts = below[section].parts if section in below else ()
        for part in parts:
            visit(part, policy)
        if not parts:
            look(circuit.literal(("met", policy, section)))

    for policy, section in program.arguments("pathway"):
        look(circuit.literal(("applies", policy, section)))
        visit(str(section), str(policy))
    for policy, section in program.arguments("disposition"):
        visit(str(section), str(policy))
    return list(found)
