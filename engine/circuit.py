"""A ground program as a circuit: every atom it derives is a gate over the inputs.

A ground policy has no cycles, so what it says of a case is computed from the facts, gate by gate.
Many points (completions, each with a value for every input) are evaluated at once: each has one
bit, its lane, in the integers that flow through the gates.
"""

from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from itertools import accumulate, combinations
from math import comb
from typing import Any, TypeAlias

import clingo

from engine.inputs import Domain, Inputs, places
from engine.policy import Policy
from engine.program import Atom, GroundProgram, Rule
from engine.solver import filling, limited_control, load, renumbered

Literal: TypeAlias = int
"""The number of a node, negative for its negation."""
Point: TypeAlias = list[int]
"""A value for each domain of a circuit."""
Lanes: TypeAlias = Sequence[int]
"""For each source of a circuit, the points in which it holds."""
Setting: TypeAlias = tuple[int, int]
"""A domain, by its place, and values of which it would have to have one."""
Way: TypeAlias = tuple[int, int]
"""Units as bits, and values they must not have, as bits among the values of all units."""

TRUE: Literal = 1
LONGEST_CHAIN = 200
"""Operands written as one chain of operators; Python's compiler takes no endless ones."""
MOST_OPERANDS = 40
"""Operands up to which a count is written out; beyond that it is counted."""
PROVED = frozenset(
    {"outcome", "impossible", "answer", "applies", "met", "supports", "prefers", "limits"}
)
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


class Derivation:
    """What a program derives, as literals of a circuit."""

    def __init__(self, program: GroundProgram) -> None:
        self.program = program
        self.literals: dict[int, Literal] = {}
        self.rules = program.definitions
        self.order = program.order

    def literal(self, atom: Atom) -> Literal:
        """Return the literal of an atom, also of one that always or never holds."""
        if atom in self.program.facts:
            return TRUE
        number = self.program.atoms.get(atom)
        return -TRUE if number is None else self.literals.get(number, -TRUE)


class Circuit:
    """The gates of one version of a policy; its readings are inputs beside the facts.

    Nodes are numbered from 1, each after those it is made of. Other programs over the same inputs
    can be added.
    """

    def __init__(self, program: GroundProgram, inputs: Inputs) -> None:
        self.domains: tuple[Domain, ...] = (*inputs.domains, *inputs.readings.values())
        self.units_end = len(inputs.domains)
        self.nodes: list[Gate | Source] = [Gate(0, ()), Gate(0, ())]
        self._numbers: dict[Gate | Source, int] = {Gate(0, ()): TRUE}
        self.all_values = tuple(domain.all for domain in self.domains)
        self.offsets = tuple(accumulate((domain.size for domain in self.domains), initial=0))
        self.spans = tuple(
            values << at for values, at in zip(self.all_values, self.offsets, strict=False)
        )
        self._held: list[dict[int, Literal]] = [
            {values: TRUE, 0: -TRUE} for values in self.all_values
        ]
        self.sources: list[int] = []
        self.held_in: list[list[tuple[int, int]]] = [[] for _ in self.domains]
        self.held_by: list[list[list[int]]] = [
            [[] for _ in range(domain.size)] for domain in self.domains
        ]
        names = {number: atom for atom, number in program.atoms.items()}
        self._inputs: dict[Atom, Literal] = {
            names[number]: self.holding(place, values)
            for place, domain in enumerate(self.domains)
            for number, values in domain.atoms
        }
        self.derivation = self.derive(program)

    def holding(self, place: int, values: int) -> Literal:
        """Return a literal that holds if a domain has one of these values.

        The node itself never holds at the first value.
        """
        held = self._held[place]
        if values not in held:
            others = self.all_values[place] & ~values
            literal = (
                -self._number(Source(place, others))
                if values & 1
                else self._number(Source(place, values))
            )
            held[values], held[others] = literal, -literal
        return held[values]

    def _number(self, node: Gate | Source) -> int:
        number = self._numbers.get(node)
        if number is None:
            number = self._numbers[node] = len(self.nodes)
            self.nodes.append(node)
            if isinstance(node, Source):
                self.held_in[node.domain].append((len(self.sources), node.values))
                for value in places(node.values):
                    self.held_by[node.domain][value].append(len(self.sources))
                self.sources.append(number)
        return number

    def derive(
        self, program: GroundProgram, given: Mapping[Atom, Literal] | None = None
    ) -> Derivation:
        """Add the gates of a program over the same inputs; `given` are atoms it does not derive."""
        derivation = Derivation(program)
        for atom, number in program.atoms.items():
            literal = (given or {}).get(atom) or self._inputs.get(atom)
            if literal is not None:
                derivation.literals[number] = literal
        self._fill(derivation, derivation.order, ())
        return derivation

    def vary(
        self, derivation: Derivation, given: Mapping[Atom, Literal], without: Collection[Rule] = ()
    ) -> Derivation:
        """Derive the same with some atoms given, and without some rules."""
        varied = copy(derivation)
        varied.literals = dict(derivation.literals)
        changed = {head for rule in without for head in rule.head}
        kept = set[int]()
        for atom, literal in given.items():
            number = derivation.program.atoms.get(atom)
            if number is not None:
                kept.add(number)
                varied.literals[number] = literal
        changed |= kept
        due: list[int] = []
        needs = derivation.program.needs
        for number in derivation.order:
            if number not in kept and (
                number in changed or not changed.isdisjoint(needs.get(number, ()))
            ):
                changed.add(number)
                del varied.literals[number]
                due.append(number)
        self._fill(varied, due, without)
        return varied

    def _fill(
        self, derivation: Derivation, atoms: Iterable[int], without: Collection[Rule]
    ) -> None:
        """Add gates for atoms, in an order in which each comes after those it is made of."""
        literals = derivation.literals
        for atom in atoms:
            if atom not in literals:
                rules = (rule for rule in derivation.rules.get(atom, ()) if rule not in without)
                literals[atom] = self._gate(1, [self._body(rule, literals) for rule in rules])

    def _body(self, rule: Rule, literals: Mapping[int, Literal]) -> Literal:
        parts = [literals[part] if part > 0 else -literals[-part] for part in rule.body]
        return self._gate(len(parts) if rule.bound is None else rule.bound, parts)

    def _gate(self, bound: int, literals: Sequence[Literal]) -> Literal:
        """Return a literal that holds if at least `bound` of the literals do."""
        bound -= sum(literal == TRUE for literal in literals)
        kept = [literal for literal in literals if abs(literal) != TRUE]
        if bound <= 0:
            return TRUE
        if bound > len(kept):
            return -TRUE
        if bound == 1:
            kept = self._merged(kept)
        elif bound == len(kept):
            kept = [-literal for literal in self._merged([-literal for literal in kept])]
            bound = len(kept)
        if TRUE in kept or -TRUE in kept:
            return TRUE if TRUE in kept else -TRUE
        return kept[0] if len(kept) == 1 else self._number(Gate(bound, tuple(kept)))

    def _merged(self, literals: Iterable[Literal]) -> list[Literal]:
        """Merge literals, of which one is to hold: those that ask for values of one domain."""
        values: dict[int, int] = {}
        others: set[Literal] = set()
        for literal in literals:
            node = self.nodes[abs(literal)]
            if isinstance(node, Source):
                held_in = (
                    node.values if literal > 0 else self.all_values[node.domain] & ~node.values
                )
                values[node.domain] = values.get(node.domain, 0) | held_in
            else:
                others.add(literal)
        return sorted(others | {self.holding(place, held) for place, held in values.items()})

    def literal(self, atom: Atom) -> Literal:
        """Return the literal of an atom of its own program."""
        return self.derivation.literal(atom)

    def all_of(self, literals: Iterable[Literal]) -> Literal:
        """Return a literal that holds if all of the literals do."""
        kept = list(literals)
        return self._gate(len(kept), kept)

    def any_of(self, literals: Iterable[Literal]) -> Literal:
        """Return a literal that holds if one of the literals does."""
        return self._gate(1, list(literals))

    def at_least(self, bound: int, literals: Iterable[Literal]) -> Literal:
        """Return a literal that holds if so many of the literals do."""
        return self._gate(bound, list(literals))

    def lanes(self, cases: Sequence[Sequence[int]]) -> tuple[list[int], list[int], int]:
        """Return for each source the cases in which it surely holds, and surely fails.

        A case gives the values that each domain may have. The third is a one for every case.
        """
        holds, fails = [0] * len(self.sources), [0] * len(self.sources)
        for lane, possible in enumerate(cases):
            here = 1 << lane
            for held, values in zip(self.held_in, possible, strict=True):
                for source, held_in in held:
                    if not values & ~held_in:
                        holds[source] |= here
                    elif not values & held_in:
                        fails[source] |= here
        return holds, fails, (1 << len(cases)) - 1

    def cone(self, roots: Iterable[Literal], without: Container[int] = ()) -> list[int]:
        """Return the nodes that literals depend on, each after those it is made of.

        `without` are nodes to leave out, with those they are made of.
        """
        needed: set[int] = set()
        pending = [abs(root) for root in roots]
        while pending:
            number = pending.pop()
            if number not in needed and number not in without:
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

    def write(
        self, backend: clingo.Backend, numbers: Mapping[int, int]
    ) -> Callable[[Literal], int]:
        """Add all nodes to a solver that has a program over the same inputs, with its numbers there.

        Returns what gives the solver's literal of a literal.
        """
        nodes: dict[int, int] = {}

        def own(literal: Literal) -> int:
            return nodes[literal] if literal > 0 else -nodes[-literal]

        for number, node in enumerate(self.nodes[1:], start=1):
            nodes[number] = backend.add_atom()
            if isinstance(node, Gate):
                weighted = [(own(literal), 1) for literal in node.literals]
                backend.add_weight_rule([nodes[number]], node.bound, weighted)
                continue
            domain = self.domains[node.domain]
            for value in places(node.values):
                having = renumbered(domain.literals(1 << value), numbers)
                backend.add_rule([nodes[number]], having)
        return own

    def equals_program(self) -> bool:
        """Prove that the circuit and the program derive the same in every completion.

        Every reading is left open. One question to the solver: is there a completion in which an
        atom of an outcome, an answer, a criterion or a contradiction differs?
        """
        control = limited_control()
        with filling(control) as backend:
            numbers = load(backend, self.derivation.program, {})
            own = self.write(backend, numbers)
            differs = backend.add_atom()
            for derived, original in self.derivation.program.atoms.items():
                if derived[0] in PROVED:
                    mine, theirs = own(self.literal(derived)), numbers[original]
                    backend.add_rule([differs], [mine, -theirs])
                    backend.add_rule([differs], [-mine, theirs])
            backend.add_rule([], [-differs])
        return control.solve().unsatisfiable is True


def chosen(policy: Policy, readings: Mapping[str, str]) -> dict[Atom, Literal]:
    """Return the atoms by which rules ask for a reading, with what a choice makes of them."""
    return {
        ("reads", policy.number, name, choice): TRUE if readings[name] == choice else -TRUE
        for name, reading in policy.readings.items()
        for choice in reading.choices
    }


def striped(start: int, run: int, period: int, width: int) -> int:
    """Return `width` lanes, of which a run from `start` on recurs every period."""
    repeats = -(-width // period)
    recurring = ((1 << period * repeats) - 1) // ((1 << period) - 1)
    return (((1 << run) - 1) << start) * recurring & ((1 << width) - 1)


class Evaluator:
    """The cone of some literals as generated Python: for each node, the points in which it holds.

    Its nodes are numbered anew from 1, and so are its literals; the result has 0 at place 0. What
    is generated is made of numbers and operators alone: no text of a policy enters it.

    `settings` gives, for each literal of an input, the values with which it holds; `leaves` gives
    the same values as bits among those of all units, and the one way to come to them; `parts`
    gives, for each literal of a gate, how many of which others must hold for it, those that look
    at least first.
    """

    def __init__(self, circuit: Circuit, roots: Sequence[Literal]) -> None:
        cone = circuit.cone(roots)
        self._numbers = {number: own for own, number in enumerate(cone, start=1)}
        self.parts: dict[Literal, tuple[int, tuple[Literal, ...]]] = {}
        self.settings: dict[Literal, Setting] = {}
        self.leaves: dict[Literal, tuple[int, tuple[Way]]] = {}
        source_of = {number: place for place, number in enumerate(circuit.sources)}
        sizes = [0]
        lines = []
        for own, number in enumerate(cone, start=1):
            node = circuit.nodes[number]
            if isinstance(node, Source):
                others = circuit.all_values[node.domain] & ~node.values
                self.settings |= {own: (node.domain, node.values), -own: (node.domain, others)}
                lines.append(f"n{own} = lanes[{source_of[number]}]")
                sizes.append(1)
                continue
            literals = tuple(
                sorted(map(self.own, node.literals), key=lambda literal: sizes[abs(literal)])
            )
            sizes.append(1 + sum(sizes[abs(literal)] for literal in literals))
            self.parts[own] = (node.bound, literals)
            self.parts[-own] = (len(literals) - node.bound + 1, tuple(-lit for lit in literals))
            operands = [f"n{lit}" if lit > 0 else f"(ones ^ n{-lit})" for lit in literals]
            lines.append(f"n{own} = {threshold(node.bound, operands)}")
        for literal, (domain, values) in self.settings.items():
            barred = circuit.all_values[domain] & ~values
            offset = circuit.offsets[domain]
            self.leaves[literal] = (values << offset, ((1 << domain, barred << offset),))
        self.domains = sorted({domain for domain, _ in self.settings.values()})
        result = "".join(f", n{own}" for own in range(1, len(cone) + 1))
        self.evaluate: Callable[[Lanes, int], tuple[int, ...]] = generated(
            "lanes, ones", [*lines, f"return (0{result},)"]
        )

    def own(self, literal: Literal) -> Literal:
        """Return the evaluator's number of a literal of the circuit."""
        own = self._numbers[abs(literal)]
        return own if literal > 0 else -own


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
        lines.append(f"t{number} = {threshold(node.bound, true)}")
        lines.append(f"f{number} = {threshold(len(false) - node.bound + 1, false)}")
    both = [_rail(rail, root) for rail in "tf" for root in roots]
    return generated("holds, fails, ones", [*lines, f"return [{', '.join(both)}]"])


def _rail(rail: str, literal: Literal) -> str:
    return f"{rail}{literal}" if literal > 0 else f"{'tf'.replace(rail, '')}{-literal}"


def threshold(bound: int, operands: Sequence[str]) -> str:
    """Write an expression for the lanes in which at least so many operands hold."""
    if bound <= 0:
        return "ones"
    if bound > len(operands):
        return "0"
    if len(operands) <= LONGEST_CHAIN and bound in (1, len(operands)):
        return (" | " if bound == 1 else " & ").join(operands)
    if comb(len(operands), bound) * bound <= MOST_OPERANDS:
        return " | ".join(f"{' & '.join(chosen)}" for chosen in combinations(operands, bound))
    return f"counted({bound}, ({', '.join(operands)},), ones)"


def _counted(bound: int, operands: Iterable[int], ones: int) -> int:
    """Return the lanes in which at least `bound` operands hold."""
    reached = [ones] + [0] * bound
    for operand in operands:
        for count in range(bound, 0, -1):
            reached[count] |= reached[count - 1] & operand
    return reached[bound]


def generated(parameters: str, lines: Sequence[str]) -> Callable[..., Any]:
    """Return the function of these lines, in which each threshold that is counted can be called."""
    body = "\n    ".join(lines)
    scope: dict[str, Any] = {"counted": _counted}
    exec(f"def evaluate({parameters}):\n    {body}\n", scope)  # noqa: S102  (our own text)
    return scope["evaluate"]  # type: ignore[no-any-return]
