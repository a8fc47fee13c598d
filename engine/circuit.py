"""A ground program as a circuit: every atom it derives is a gate over the inputs.

A ground policy has no cycles, so what it says of a case is computed from the facts, gate by gate.
Many points (completions, each with a value for every input) are evaluated at once: each has one
bit, its lane, in the integers that flow through the gates.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any, TypeAlias

import clingo

from engine.inputs import Domain, Inputs
from engine.program import Atom, GroundProgram, Rule
from engine.solver import CONFLICT_LIMIT, load

Literal: TypeAlias = int
"""The number of a node, negative for its negation."""
Point: TypeAlias = list[int]
"""A value for each domain of a circuit."""
Lanes: TypeAlias = Sequence[int]
"""For each source of a circuit, the points in which it holds."""

TRUE: Literal = 1
LONGEST_CHAIN = 200
"""Operands written as one chain of operators; Python's compiler takes no endless ones."""
PROVED = frozenset({"outcome", "impossible", "answer", "applies", "met"})
"""The predicates in which the circuit is proved equal to the program."""


@dataclass(frozen=True, slots=True)
class Source:
    """A node that holds if the value of a domain is one of `values`."""

    domain: int
    values: int


@dataclass(frozen=True, slots=True)
class Gate:
    """A node that holds if at least `bound` of its literals do."""

    bound: int
    literals: tuple[Literal, ...]


class Circuit:
    """The gates of one version of a policy; its readings are inputs beside the facts.

    Nodes are numbered from 1, each after those it is made of.
    """

    def __init__(self, program: GroundProgram, inputs: Inputs) -> None:
        self.domains: tuple[Domain, ...] = (*inputs.domains, *inputs.readings.values())
        self.nodes: list[Gate | Source] = [Gate(0, ()), Gate(0, ())]
        self._numbers: dict[Gate | Source, int] = {Gate(0, ()): TRUE}
        self._program = program
        self._literals: dict[int, Literal] = {}
        for place, domain in enumerate(self.domains):
            for atom, values in domain.atoms:
                self._literals[atom] = self._source(place, values, domain)
        self.sources = [n for n, node in enumerate(self.nodes) if isinstance(node, Source)]
        self._sources_of: list[list[tuple[int, int]]] = [[] for _ in self.domains]
        for place, number in enumerate(self.sources):
            source = self.nodes[number]
            if isinstance(source, Source):
                self._sources_of[source.domain].append((place, source.values))
        self._add_rules(program)

    def _source(self, place: int, values: int, domain: Domain) -> Literal:
        if values == domain.all:
            return TRUE
        if not values:
            return -TRUE
        if domain.size == 2 and values == 0b01:
            return -self._number(Source(place, 0b10))
        return self._number(Source(place, values))

    def _number(self, node: Gate | Source) -> int:
        number = self._numbers.get(node)
        if number is None:
            number = self._numbers[node] = len(self.nodes)
            self.nodes.append(node)
        return number

    def _add_rules(self, program: GroundProgram) -> None:
        rules: dict[int, list[Rule]] = {}
        for rule in program.rules:
            for head in rule.head:
                if head not in self._literals and not rule.choice:
                    rules.setdefault(head, []).append(rule)
        needs = {
            head: {abs(literal) for rule in made for literal in rule.body}
            for head, made in rules.items()
        }
        for atom in TopologicalSorter(needs).static_order():
            if atom not in self._literals:
                made = [self._body(rule) for rule in rules.get(atom, ())]
                self._literals[atom] = self._gate(1, made)

    def _body(self, rule: Rule) -> Literal:
        literals = [self._literals[lit] if lit > 0 else -self._literals[-lit] for lit in rule.body]
        return self._gate(len(literals) if rule.bound is None else rule.bound, literals)

    def _gate(self, bound: int, literals: Sequence[Literal]) -> Literal:
        """Return a literal that holds if at least `bound` of the literals do."""
        bound -= sum(literal == TRUE for literal in literals)
        kept = [literal for literal in literals if abs(literal) != TRUE]
        if bound <= 0:
            return TRUE
        if bound > len(kept):
            return -TRUE
        if bound in (1, len(kept)):
            kept = sorted(set(kept))
            bound = 1 if bound == 1 else len(kept)
        return kept[0] if len(kept) == 1 else self._number(Gate(bound, tuple(kept)))

    def literal(self, atom: Atom) -> Literal:
        """Return the literal of an atom, also of one that always or never holds."""
        if atom in self._program.facts:
            return TRUE
        number = self._program.atoms.get(atom)
        return -TRUE if number is None else self._literals.get(number, -TRUE)

    def all_of(self, literals: Iterable[Literal]) -> Literal:
        """Return a literal that holds if all of the literals do."""
        kept = list(literals)
        return self._gate(len(kept), kept)

    def any_of(self, literals: Iterable[Literal]) -> Literal:
        """Return a literal that holds if one of the literals does."""
        return self._gate(1, list(literals))

    def lanes(self, points: int) -> "LaneBuilder":
        """Return a builder of lanes for so many points."""
        return LaneBuilder(len(self.sources), self._sources_of, points)

    def cone(self, roots: Iterable[Literal]) -> list[int]:
        """Return the nodes that literals depend on, each after those it is made of."""
        needed: set[int] = set()
        pending = [abs(root) for root in roots]
        while pending:
            number = pending.pop()
            if number not in needed:
                needed.add(number)
                node = self.nodes[number]
                if isinstance(node, Gate):
                    pending.extend(map(abs, node.literals))
        return sorted(needed)

    def units(self, roots: Iterable[Literal]) -> int:
        """Return the domains that literals depend on, as bits."""
        sources = (self.nodes[number] for number in self.cone(roots))
        domains = {source.domain for source in sources if isinstance(source, Source)}
        return sum(1 << place for place in domains)

    def equals_program(self) -> bool:
        """Prove that the circuit and the program derive the same in every completion.

        Every reading is left open. One question to the solver: is there a completion in which an
        atom of an outcome, an answer, a criterion or a contradiction differs?
        """
        control = clingo.Control(message_limit=0)
        control.configuration.solve.solve_limit = str(CONFLICT_LIMIT)  # type: ignore[union-attr]
        with control.backend() as backend:
            numbers = load(backend, self._program, {})
            nodes: dict[int, int] = {}

            def own(literal: Literal) -> int:
                return nodes[literal] if literal > 0 else -nodes[-literal]

            for number, node in enumerate(self.nodes[1:], start=1):
                nodes[number] = backend.add_atom()
                if isinstance(node, Gate):
                    weighted = [(own(literal), 1) for literal in node.literals]
                    backend.add_weight_rule([nodes[number]], node.bound, weighted)
                    continue
                for atom, values in self.domains[node.domain].atoms:
                    if values == node.values:
                        backend.add_rule([nodes[number]], [numbers[atom]])
            differs = backend.add_atom()
            for derived, original in self._program.atoms.items():
                if derived[0] in PROVED:
                    mine, theirs = own(self.literal(derived)), numbers[original]
                    backend.add_rule([differs], [mine, -theirs])
                    backend.add_rule([differs], [-mine, theirs])
            backend.add_rule([], [-differs])
        return control.solve().unsatisfiable is True


class LaneBuilder:
    """Sets the values of points, and gives for each source the points in which it holds."""

    def __init__(self, sources: int, of: Sequence[Sequence[tuple[int, int]]], points: int) -> None:
        self.ones = (1 << points) - 1
        self.lanes = [0] * sources
        self._of = of

    def put(self, domain: int, values: int, lanes: int) -> None:
        """Give a domain one of the values in some points: a source holds if it does in them all."""
        for source, holds_in in self._of[domain]:
            if values & ~holds_in:
                self.lanes[source] &= ~lanes
            else:
                self.lanes[source] |= lanes

    def put_failing(self, domain: int, values: int, lanes: int) -> None:
        """Give a domain one of the values: here a lane says where a source fails in them all."""
        for source, holds_in in self._of[domain]:
            if values & holds_in:
                self.lanes[source] &= ~lanes
            else:
                self.lanes[source] |= lanes


def striped(start: int, run: int, period: int, width: int) -> int:
    """Return `width` lanes, of which a run from `start` on recurs every period."""
    repeats = -(-width // period)
    recurring = ((1 << period * repeats) - 1) // ((1 << period) - 1)
    return (((1 << run) - 1) << start) * recurring & ((1 << width) - 1)


class Evaluator:
    """The cone of some literals as generated Python: for each node, the points in which it holds.

    `place` says where in its result a node stands. What is generated is made of numbers and
    operators alone: no text of a policy enters it.
    """

    def __init__(self, circuit: Circuit, roots: Sequence[Literal]) -> None:
        self.nodes = circuit.cone(roots)
        self.place = {number: place for place, number in enumerate(self.nodes)}
        self.domains = sorted(
            {node.domain for n in self.nodes if isinstance(node := circuit.nodes[n], Source)}
        )
        source_of = {number: place for place, number in enumerate(circuit.sources)}
        lines = []
        for number in self.nodes:
            node = circuit.nodes[number]
            if isinstance(node, Source):
                lines.append(f"n{number} = lanes[{source_of[number]}]")
            else:
                literals = [f"n{n}" if n > 0 else f"(ones ^ n{-n})" for n in node.literals]
                lines.append(f"n{number} = {_at_least(node.bound, literals)}")
        result = "".join(f"n{number}, " for number in self.nodes)
        self.evaluate: Callable[[Lanes, int], tuple[int, ...]] = _compiled(
            "lanes, ones", [*lines, f"return ({result})"]
        )


def surely(circuit: Circuit, roots: Sequence[Literal]) -> Callable[[Lanes, Lanes, int], list[int]]:
    """Compile literals to a function that tells in which partly known points they surely hold.

    From the lanes in which each source surely holds and surely fails, it gives for each literal
    the lanes in which it surely holds, then those in which it surely fails, as in Kleene's logic:
    sound, but it can miss what holds for another reason in each completion.
    """
    source_of = {number: place for place, number in enumerate(circuit.sources)}
    lines = []
    for number in circuit.cone(roots):
        node = circuit.nodes[number]
        if isinstance(node, Source):
            place = source_of[number]
            lines += [f"t{number} = holds[{place}]", f"f{number} = fails[{place}]"]
            continue
        true = [_rail("t", literal) for literal in node.literals]
        false = [_rail("f", literal) for literal in node.literals]
        lines.append(f"t{number} = {_at_least(node.bound, true)}")
        lines.append(f"f{number} = {_at_least(len(false) - node.bound + 1, false)}")
    both = [_rail(rail, root) for rail in "tf" for root in roots]
    return _compiled("holds, fails, ones", [*lines, f"return [{', '.join(both)}]"])


def _rail(rail: str, literal: Literal) -> str:
    return f"{rail}{literal}" if literal > 0 else f"{'tf'.replace(rail, '')}{-literal}"


def _at_least(bound: int, operands: Sequence[str]) -> str:
    """Write an expression for the lanes in which at least so many operands hold."""
    if bound <= 0:
        return "ones"
    if bound > len(operands):
        return "0"
    if len(operands) <= LONGEST_CHAIN and bound in (1, len(operands)):
        return (" | " if bound == 1 else " & ").join(operands)
    return f"counted({bound}, ({', '.join(operands)},), ones)"


def _counted(bound: int, operands: Iterable[int], ones: int) -> int:
    """Return the lanes in which at least `bound` operands hold."""
    reached = [ones] + [0] * bound
    for operand in operands:
        for count in range(bound, 0, -1):
            reached[count] |= reached[count - 1] & operand
    return reached[bound]


def _compiled(parameters: str, lines: Sequence[str]) -> Callable[..., Any]:
    body = "\n    ".join(lines)
    scope: dict[str, Any] = {"counted": _counted}
    exec(f"def evaluate({parameters}):\n    {body}\n", scope)  # noqa: S102  (our own text)
    return scope["evaluate"]  # type: ignore[no-any-return]
