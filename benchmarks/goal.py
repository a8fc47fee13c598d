"""What every peer of the explanation benchmark is given: a policy's ground program, and a goal."""

import random
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import TypeAlias

import clingo

from engine.program import GroundProgram, Rule
from facts.vocabulary import Changer, Fact, Kind, Vocabulary

Changes: TypeAlias = frozenset[frozenset[str]]
"""Sets of names: a fact, or a set fact and a member with a point between."""
CaseFacts: TypeAlias = Mapping[str, object]
"""The facts of a complete case, in the JSON form."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A fact that a policy asks about, and its literals.

    `options` are the values of a choice or the members of a set, each with its literal. `cuts` are
    the steps that a number may reach, with a literal for each interval between. A boolean has one
    literal.
    """

    fact: Fact
    literals: tuple[int, ...]
    options: tuple[str, ...] = ()
    cuts: tuple[int, ...] = ()

    def values(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Yield the name of each unit, with a literal for each value it can have."""
        if self.fact.kind is Kind.BOOLEAN:
            yield self.fact.name, (-self.literals[0], self.literals[0])
        elif self.fact.kind is Kind.SET:
            for member, literal in zip(self.options, self.literals, strict=True):
                yield f"{self.fact.name}.{member}", (-literal, literal)
        else:
            yield self.fact.name, self.literals

    def state(self, value: object) -> Iterator[tuple[str, int]]:
        """Yield the name of each unit, with the literal that says the value it has."""
        name = self.fact.name
        if isinstance(value, bool):
            yield name, self.literals[0] if value else -self.literals[0]
        elif isinstance(value, list):
            for member, literal in zip(self.options, self.literals, strict=True):
                yield f"{name}.{member}", literal if member in value else -literal
        elif isinstance(value, str):
            yield name, self.literals[self.options.index(value)]
        else:
            steps = round(float(str(value)) * 10**self.fact.decimals)
            yield name, self.literals[bisect_right(self.cuts, steps)]

    def draw_value(self, draw: random.Random, chosen: Collection[int]) -> object:
        """Return the value that chosen literals say; of a number, any that lies in the interval."""
        if self.fact.kind is Kind.BOOLEAN:
            return self.literals[0] in chosen
        if self.fact.kind is Kind.NUMBER:
            ends = (self.fact.lowest, *self.cuts, self.fact.highest + 1)
            (place,) = (place for place, literal in enumerate(self.literals) if literal in chosen)
            return self.fact.number(draw.randrange(ends[place], ends[place + 1]))
        stated = [
            option
            for option, literal in zip(self.options, self.literals, strict=True)
            if literal in chosen
        ]
        return stated if self.fact.kind is Kind.SET else stated[0]


class Goal:
    """A ground program that has a model only for an approved case without a contradiction.

    Readings have their defaults. Each value of a unit (a fact, or one member of a set) is one
    literal, so that a complete case is one literal for each unit; where the program has none, as
    for a number between two of its cut points, an atom is defined.
    """

    def __init__(
        self, program: GroundProgram, vocabulary: Vocabulary, readings: Mapping[str, str]
    ) -> None:
        self.rules = list(program.rules)
        in_rules = (abs(number) for rule in self.rules for number in (*rule.head, *rule.body))
        self.largest = max(chain(in_rules, program.atoms.values()))
        booleans: dict[str, int] = {}
        options: dict[str, dict[str, int]] = {}
        cuts: dict[str, dict[int, int]] = {}
        for atom, number in sorted(program.atoms.items(), key=str):
            match atom:
                case ("yes", str(fact)):
                    booleans[fact] = number
                case ("is" | "includes", str(fact), str(option)):
                    options.setdefault(fact, {})[option] = number
                case ("reaches", str(fact), int(least)):
                    cuts.setdefault(fact, {})[least] = number
                case ("reads", _, str(reading), str(choice)):
                    self._require(number if readings[reading] == choice else -number)
                case ("impossible", _):
                    self._require(-number)
        self._require(program.atoms["outcome", "approve"])
        facts = vocabulary.facts
        self.asked = [
            *(Asked(facts[fact], (atom,)) for fact, atom in booleans.items()),
            *(
                Asked(facts[fact], tuple(atoms.values()), tuple(atoms))
                for fact, atoms in options.items()
            ),
            *(
                Asked(facts[fact], self._intervals(reached), cuts=tuple(sorted(reached)))
                for fact, reached in cuts.items()
            ),
        ]
        self.values = dict(chain.from_iterable(asked.values() for asked in self.asked))

    def read(self, facts: CaseFacts) -> tuple[dict[str, int], list[int]]:
        """Return the literals of what may change, by unit, and those of what is fixed."""
        soft: dict[str, int] = {}
        hard: list[int] = []
        for asked in self.asked:
            stated = asked.state(facts[asked.fact.name])
            if asked.fact.changer is Changer.FIXED:
                hard.extend(literal for _, literal in stated)
            else:
                soft.update(stated)
        return soft, hard

    def _require(self, literal: int) -> None:
        self.rules.append(Rule(choice=False, head=(), body=(-literal,)))

    def _intervals(self, reached: Mapping[int, int]) -> tuple[int, ...]:
        atoms = [reached[cut] for cut in sorted(reached)]
        between = [self._both(low, -high) for low, high in pairwise(atoms)]
        return (-atoms[0], *between, atoms[-1])

    def _both(self, one: int, other: int) -> int:
        self.largest += 1
        self.rules.append(Rule(choice=False, head=(self.largest,), body=(one, other)))
        return self.largest


def load(
    backend: clingo.Backend, rules: Iterable[Rule], symbols: Mapping[int, clingo.Symbol]
) -> dict[int, int]:
    """Add rules to a control; return its literal for every literal of theirs, of either sign."""
    numbers: dict[int, int] = {}

    def own(literal: int) -> int:
        if literal not in numbers:
            symbol = symbols.get(abs(literal))
            atom = backend.add_atom(symbol) if symbol else backend.add_atom()
            numbers[abs(literal)], numbers[-abs(literal)] = atom, -atom
        return numbers[literal]

    for rule in rules:
        head, body = [own(atom) for atom in rule.head], [own(literal) for literal in rule.body]
        if rule.bound is None:
            backend.add_rule(head, body, rule.choice)
        else:
            weighted = [(literal, 1) for literal in body]
            backend.add_weight_rule(head, rule.bound, weighted, rule.choice)
    return numbers
