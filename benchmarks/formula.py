"""The outcome of one policy version as a formula, which each peer writes in its own language.

What the product compiles is taken from the same circuit: the literals of the outcomes, and the one
that rules a case out. Gates that count become gates of `and` and `or`, which every language has. A
writer turns literals into expressions: it says how a language asks for a fact, and how it joins and
negates; what is walked, and what is shared, is the same for all.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from importlib.metadata import version
from typing import Any, Generic, TypeAlias, TypeVar

from engine.circuit import TRUE, Circuit, Literal, Source, chosen
from engine.determination import OUTCOMES
from engine.inputs import Domain, Inputs, runs
from engine.program import IMPOSSIBLE
from facts.vocabulary import Fact
from policygrounds import KnowledgeBase

CaseFacts: TypeAlias = Mapping[str, Any]
"""The facts of a case, in the JSON form."""
Decider: TypeAlias = Callable[[CaseFacts], str]
"""From the facts of one case to its outcome."""
PEND = "pend"

Expression = TypeVar("Expression")


def imported(name: str) -> Any:
    """Import a module of a peer; None if its package is not installed."""
    try:
        return import_module(name)
    except ModuleNotFoundError:
        return None


def labelled(package: str, how: str = "") -> str:
    """Name a peer: its package, with the version, and how it is used."""
    return f"{package} {version(package)}" + (f", {how}" if how else "")


@dataclass(frozen=True, slots=True)
class Gate:
    """A node that holds if every one, or some, of its literals does."""

    every: bool
    literals: tuple[Literal, ...]


class Formula:
    """The gates and sources behind the outcome of one version, under its default readings.

    `outcomes` are those that some case gets, with their literals, those easiest to write first.
    Every complete case without a contradiction gets one of them alone, as `policygrounds policies
    --prove` proves, so the last is what is left. `nodes` have each node after those it is made of.
    """

    def __init__(self, kb: KnowledgeBase, policy: str, version: str) -> None:
        stated = kb.policies[policy]
        program = stated.version(version).program
        inputs = Inputs(program, kb.vocabulary.facts)
        circuit = Circuit(program, inputs)
        derivation = circuit.derive(program, chosen(stated, stated.default_readings))
        self.impossible = circuit.any_of(map(derivation.literal, program.possible(IMPOSSIBLE)))
        found = {word.value: derivation.literal(("outcome", word.value)) for word in OUTCOMES}
        self.domains: tuple[Domain, ...] = circuit.domains
        self.places: Mapping[str, Sequence[int]] = inputs.of_fact
        self.asked: dict[str, Fact] = {name: kb.vocabulary.facts[name] for name in inputs.of_fact}
        self.nodes: dict[int, Gate | Source] = {}
        self._fresh = len(circuit.nodes)
        self._alias: dict[int, Literal] = {}
        for number in circuit.cone([self.impossible, *found.values()]):
            node = circuit.nodes[number]
            if isinstance(node, Source):
                self.nodes[number] = node
            elif node.literals:
                literals = [self._own(literal) for literal in node.literals]
                self._alias[number] = self._at_least(node.bound, literals, number)
        self.impossible = self._own(self.impossible)
        sizes = self._sizes()
        words = [word for word, literal in found.items() if literal != -TRUE]
        words.sort(key=lambda word: sizes[abs(self._own(found[word]))])
        self.outcomes = {word: self._own(found[word]) for word in words}

    def _own(self, literal: Literal) -> Literal:
        own = self._alias.get(abs(literal), abs(literal))
        return own if literal > 0 else -own

    def _at_least(self, bound: int, literals: Sequence[Literal], number: int = 0) -> Literal:
        """Return a literal that holds if so many do: with the first, or without it."""
        if bound in (1, len(literals)):
            if len(literals) == 1:
                return literals[0]
            return self._add(Gate(bound > 1, tuple(literals)), number)
        rest = literals[1:]
        with_first = self._add(
            Gate(every=True, literals=(literals[0], self._at_least(bound - 1, rest)))
        )
        whole = Gate(every=False, literals=(with_first, self._at_least(bound, rest)))
        return self._add(whole, number)

    def _add(self, gate: Gate, number: int = 0) -> Literal:
        if not number:
            self._fresh, number = self._fresh + 1, self._fresh
        self.nodes[number] = gate
        return number

    def _sizes(self) -> Mapping[int, int]:
        """Return how large each node is, written out as a tree."""
        sizes = {TRUE: 0}
        for number, node in self.nodes.items():
            inside = node.literals if isinstance(node, Gate) else ()
            sizes[number] = 1 + sum(sizes[abs(literal)] for literal in inside)
        return sizes

    @property
    def chain(self) -> list[tuple[Literal, str]]:
        """What to ask in turn, with the outcome if it holds; if nothing does, it is the `last`."""
        *words, _ = self.outcomes
        return [(self.impossible, PEND), *((self.outcomes[word], word) for word in words)]

    @property
    def last(self) -> str:
        """The outcome that is left if a case is possible and gets no other."""
        return list(self.outcomes)[-1]

    @property
    def roots(self) -> tuple[Literal, ...]:
        """What rules a case out, and the outcomes but the last."""
        return tuple(literal for literal, _ in self.chain)

    @cached_property
    def shared(self) -> frozenset[int]:
        """The gates that several others, or a root and others, are made of."""
        uses = Counter(abs(root) for root in self.roots)
        for number in self.cone(self.roots):
            node = self.nodes[number]
            if isinstance(node, Gate):
                uses.update(map(abs, node.literals))
        return frozenset(
            number
            for number, count in uses.items()
            if count > 1 and isinstance(self.nodes.get(number), Gate)
        )

    def cone(self, roots: Iterable[Literal]) -> list[int]:
        """Return the nodes that literals depend on, each after those it is made of."""
        needed: set[int] = set()
        pending = [abs(root) for root in roots]
        while pending:
            number = pending.pop()
            if number not in needed and number in self.nodes:
                needed.add(number)
                node = self.nodes[number]
                if isinstance(node, Gate):
                    pending.extend(map(abs, node.literals))
        return [number for number in self.nodes if number in needed]

    @cached_property
    def levels(self) -> Mapping[int, int]:
        """How far each gate is above the sources, which are at 0."""
        levels: dict[int, int] = {}
        for number, node in self.nodes.items():
            inside = node.literals if isinstance(node, Gate) else ()
            levels[number] = max((levels[abs(literal)] + 1 for literal in inside), default=0)
        return levels

    def holding(self, place: int, value: int) -> list[int]:
        """Return the sources that hold if a domain has a value."""
        return [
            number
            for number, node in self.nodes.items()
            if isinstance(node, Source) and node.domain == place and node.values >> value & 1
        ]

    def cuts(self, fact: str) -> tuple[float, ...]:
        """Return the values at which something turns for a number, the lowest first."""
        return tuple(map(self.asked[fact].number, self.domains[self.places[fact][0]].cuts))

    def choices(self, fact: str) -> tuple[str, ...]:
        """Return the values of a choice."""
        return self.domains[self.places[fact][0]].names

    def members(self, fact: str) -> list[str]:
        """Return the members of a set that the policy asks for."""
        return [str(self.domains[place].unit.member) for place in self.places[fact]]


def _named(domain: Domain, values: int) -> list[str]:
    return [name for place, name in enumerate(domain.names) if values >> place & 1]


class Writer(ABC, Generic[Expression]):
    """Writes the literals of a formula as expressions of a language.

    `names` are expressions for nodes that were given a name, and are not written out again.
    """

    def __init__(self, formula: Formula) -> None:
        self.formula = formula
        self.names: dict[int, Expression] = {}

    @abstractmethod
    def truth(self, fact: str) -> Expression:
        """Ask whether a boolean is true."""

    @abstractmethod
    def member(self, fact: str, name: str) -> Expression:
        """Ask whether a set has a member."""

    @abstractmethod
    def choice(self, fact: str, names: Sequence[str]) -> Expression:
        """Ask whether a choice is one of some values."""

    @abstractmethod
    def at_least(self, fact: str, number: float) -> Expression:
        """Ask whether a number is at least another."""

    @abstractmethod
    def constant(self, *, holds: bool) -> Expression:
        """Write what always or never holds."""

    @abstractmethod
    def negation(self, operand: Expression) -> Expression:
        """Negate."""

    @abstractmethod
    def conjunction(self, operands: Sequence[Expression]) -> Expression:
        """Say that all of two or more hold."""

    @abstractmethod
    def disjunction(self, operands: Sequence[Expression]) -> Expression:
        """Say that some of two or more hold."""

    def write(self, literal: Literal) -> Expression:
        """Write a literal; what it denies is denied at the sources, and at what has a name."""
        number = abs(literal)
        if number == TRUE:
            return self.constant(holds=literal > 0)
        if number not in self.names:
            return self.node(literal)
        named = self.names[number]
        return named if literal > 0 else self.negation(named)

    def node(self, literal: Literal) -> Expression:
        """Write out a node or its negation, whether it has a name or not."""
        node = self.formula.nodes[abs(literal)]
        if isinstance(node, Source):
            return self._source(node, holds=literal > 0)
        every = node.every == (literal > 0)
        operands = [self.write(operand) for operand in self._operands(literal, every=every)]
        return self.conjunction(operands) if every else self.disjunction(operands)

    def _operands(self, literal: Literal, *, every: bool) -> Iterator[Literal]:
        """Yield what has to hold, every one or some, taking in gates of the same kind."""
        node = self.formula.nodes[abs(literal)]
        for inner in node.literals if isinstance(node, Gate) else ():
            own = inner if literal > 0 else -inner
            inside = self.formula.nodes[abs(own)]
            nested = isinstance(inside, Gate) and inside.every == (every == (own > 0))
            if nested and abs(own) not in self.names:
                yield from self._operands(own, every=every)
            else:
                yield own

    def _source(self, source: Source, *, holds: bool) -> Expression:
        """Ask whether a fact has one of the values of a source, or none of them."""
        domain = self.formula.domains[source.domain]
        unit = domain.unit
        if domain.names:
            others = domain.all & ~source.values
            held, left = (source.values, others) if holds else (others, source.values)
            if held.bit_count() <= left.bit_count():
                return self.choice(unit.fact, _named(domain, held))
            return self.negation(self.choice(unit.fact, _named(domain, left)))
        if unit.member is not None:
            asked = self.member(unit.fact, unit.member)
        elif domain.ordered:
            ranges = [self._between(domain, run) for run in runs(source.values)]
            asked = ranges[0] if len(ranges) == 1 else self.disjunction(ranges)
        else:
            asked = self.truth(unit.fact)
        return asked if holds else self.negation(asked)

    def _between(self, domain: Domain, run: int) -> Expression:
        """Ask for neighbouring intervals of a number, of which the lowest of all is none."""
        fact, high = self.formula.asked[domain.unit.fact], run.bit_length()
        low = (run & -run).bit_length() - 1
        least = self.at_least(fact.name, fact.number(domain.cuts[low - 1]))
        if high == domain.size:
            return least
        beyond = self.at_least(fact.name, fact.number(domain.cuts[high - 1]))
        return self.conjunction([least, self.negation(beyond)])

    def share(
        self, roots: Iterable[Literal], named: Callable[[int, Expression], Expression]
    ) -> None:
        """Name the shared gates behind some literals: `named` turns each into what stands for it."""
        for number in self.formula.cone(roots):
            if number in self.formula.shared and number not in self.names:
                self.names[number] = named(number, self.node(number))


class TextWriter(Writer[str]):
    """Writes text in a language with operators between operands; others differ in a few words."""

    both = " and "
    either = " or "
    no = "not "
    constants = ("False", "True")

    def truth(self, fact: str) -> str:
        """Ask whether a boolean is true."""
        return fact

    def member(self, fact: str, name: str) -> str:
        """Ask whether a set has a member."""
        return f"('{name}' in {fact})"

    def choice(self, fact: str, names: Sequence[str]) -> str:
        """Ask whether a choice is one of some values."""
        equal = [f"({fact} == '{name}')" for name in names]
        return equal[0] if len(equal) == 1 else self.disjunction(equal)

    def at_least(self, fact: str, number: float) -> str:
        """Ask whether a number is at least another."""
        return f"({fact} >= {number})"

    def constant(self, *, holds: bool) -> str:
        """Write what always or never holds."""
        return self.constants[holds]

    def negation(self, operand: str) -> str:
        """Negate."""
        return f"({self.no}{operand})"

    def conjunction(self, operands: Sequence[str]) -> str:
        """Say that all hold."""
        return f"({self.both.join(operands)})"

    def disjunction(self, operands: Sequence[str]) -> str:
        """Say that some hold."""
        return f"({self.either.join(operands)})"
