"""Decision diagrams: what literals of a circuit come to, as graphs in which each domain is asked once.

A node asks for the value of one domain and has a child for each of its values; on every way from a
root domains come in one order, no two nodes ask the same, and none has equal children alone. So two
literals are equal just where their nodes are, a complete case is one short walk, and what is
unknown is a walk with branches. (Bryant, Graph-based algorithms for Boolean function manipulation,
1986; for domains of several values: Srinivasan et al., Algorithms for discrete function
manipulation, 1990.)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from engine.circuit import TRUE, Circuit, Gate, Literal, Source
from engine.inputs import places

MOST_NODES = 200_000
"""Nodes made on the way; outcomes of the packaged policies need below 10,000."""
MOST_DOMAINS = 300
"""A diagram is as deep as it has domains, and is made by recursion."""
MOST_BRANCHES = 256
"""Sets of values of one domain for which a node keeps where it leads."""
TERMINALS = 8
"""The first nodes ask nothing: each stands for a set of up to three things, as bits."""


class TooLargeError(Exception):
    """A diagram would have more nodes, or ask for more domains, than it may."""


@dataclass(frozen=True, slots=True)
class Node:
    """A question for the domain at a place, with the node to go on with for each of its values.

    Questions are asked in the order of their levels.
    """

    level: int
    place: int
    children: tuple[int, ...]


@dataclass(frozen=True)
class Diagram:
    """What a complete case comes to: walk from the root to a terminal.

    A number below TERMINALS is a terminal: a set of up to three things that hold, as bits.
    """

    root: int
    nodes: Mapping[int, Node]

    def reached(self, possible: Sequence[int]) -> set[int]:
        """Return the terminals that cases reach, given the values each domain may have, as bits."""
        ends = set[int]()
        pending = [self.root]
        seen = set(pending)
        while pending:
            number = pending.pop()
            if number < TERMINALS:
                ends.add(number)
                continue
            node = self.nodes[number]
            for value in places(possible[node.place]):
                child = node.children[value]
                if child not in seen:
                    seen.add(child)
                    pending.append(child)
        return ends

    def only_end(self, possible: Sequence[int]) -> int:
        """Return the one terminal other than 0 that cases reach; 0 for none, or for several.

        The same as looking at all that is `reached`, several times faster.
        """
        steps = self._steps
        found, pending, seen = 0, [self.root], set[int]()
        while pending:
            number = pending.pop()
            while number >= TERMINALS:
                place, branches = steps[number]
                try:
                    below = branches[possible[place]]
                except KeyError:
                    below = self._open(number, possible[place])
                if below.__class__ is int:
                    number = below
                    continue
                fresh = [child for child in below if child not in seen]
                if not fresh:
                    number = 0
                    break
                seen.update(fresh)
                number = fresh.pop()
                pending += fresh
            if number and number != found:
                if found:
                    return 0
                found = number
        return found

    @cached_property
    def _steps(self) -> dict[int, tuple[int, dict[int, Any]]]:
        """For each node its place, and where it leads with the values met so far: a node, or several."""
        return {
            number: (node.place, {1 << value: child for value, child in enumerate(node.children)})
            for number, node in self.nodes.items()
        }

    def _open(self, number: int, values: int) -> int | tuple[int, ...]:
        """Keep and return where a node leads with one of some values."""
        node = self.nodes[number]
        children = tuple({node.children[value]: None for value in places(values)})
        below = children[0] if len(children) == 1 else children
        branches = self._steps[number][1]
        if len(branches) < MOST_BRANCHES:
            branches[values] = below
        return below


class Diagrams:
    """Diagrams of literals of one circuit that share their nodes.

    Of one literal the terminals are 1 and 0. Raises TooLargeError.
    """

    def __init__(self, circuit: Circuit, literals: Sequence[Literal]) -> None:
        self._circuit = circuit
        self._places = _in_order(circuit, literals)
        if len(self._places) > MOST_DOMAINS:
            raise TooLargeError
        self._levels = {place: level for level, place in enumerate(self._places)}
        self._nodes: list[tuple[int, tuple[int, ...]]] = [(len(self._places), ())] * TERMINALS
        self._numbers: dict[tuple[int, tuple[int, ...]], int] = {}
        self._negations = {0: 1, 1: 0}
        self._conjunctions: dict[tuple[int, int], int] = {}
        self._literals = tuple(literals)
        self._made = {TRUE: 1}
        """For each node of the circuit that the literals depend on, the diagram it comes to."""
        self.roots = self._built()

    def diagram(self, root: int) -> Diagram:
        """Return what can be come to from a root."""
        nodes: dict[int, Node] = {}
        pending = [root]
        while pending:
            number = pending.pop()
            if number >= TERMINALS and number not in nodes:
                level, children = self._nodes[number]
                nodes[number] = Node(level, self._places[level], children)
                pending += children
        return Diagram(root, nodes)

    def together(self) -> tuple[list[tuple[int, tuple[int, ...]]], list[int]]:
        """Return all nodes that the roots lead to, children first, and the roots among them.

        A node is its place and its children; the first one has the number TERMINALS.
        """
        needed: set[int] = set()
        pending = list(self.roots)
        while pending:
            number = pending.pop()
            if number >= TERMINALS and number not in needed:
                needed.add(number)
                pending += self._nodes[number][1]
        numbers = {number: number for number in range(TERMINALS)}
        nodes: list[tuple[int, tuple[int, ...]]] = []
        for number in sorted(needed):
            level, children = self._nodes[number]
            numbers[number] = TERMINALS + len(nodes)
            nodes.append((self._places[level], tuple(numbers[child] for child in children)))
        return nodes, [numbers[root] for root in self.roots]

    def joint(self, first: int, second: int, third: int) -> int:
        """Return the node that tells which of three hold: 1 for the first, 2, and 4."""
        made: dict[tuple[int, ...], int] = {}

        def join(parts: tuple[int, ...]) -> int:
            level = min(self._nodes[part][0] for part in parts)
            if level == len(self._places):
                return parts[0] | parts[1] << 1 | parts[2] << 2
            if parts not in made:
                each = [
                    self._nodes[part][1] if self._nodes[part][0] == level else None
                    for part in parts
                ]
                size = self._circuit.domains[self._places[level]].size
                children = []
                for value in range(size):
                    below = (
                        part if own is None else own[value]
                        for part, own in zip(parts, each, strict=True)
                    )
                    children.append(join(tuple(below)))
                made[parts] = self._node(level, tuple(children))
            return made[parts]

        return join((first, second, third))

    def are_right(self) -> bool:
        """Check gate by gate that each diagram is what those of the gate's parts come to.

        Of a gate's diagram and its parts one question after the other is answered, in all of them
        at once; that is no way in which diagrams are made.
        """
        if any(self._nodes[child][0] <= level for level, below in self._nodes for child in below):
            return False
        gates = self._circuit.nodes
        for number, diagram in self._made.items():
            gate = gates[number]
            if isinstance(gate, Source):
                if self._nodes[diagram] != self._asking(gate):
                    return False
            elif number != TRUE and not self._comes_to(gate.bound, gate.literals, diagram):
                return False
        return all(
            self._comes_to(1, (literal,), root)
            for literal, root in zip(self._literals, self.roots, strict=True)
        )

    def _comes_to(self, bound: int, literals: Sequence[Literal], diagram: int) -> bool:
        """Whether a diagram holds just where at least `bound` of some literals do."""
        nodes = self._nodes
        parts = tuple((self._made[abs(literal)], literal < 0) for literal in literals)
        pending = [(bound, parts, diagram)]
        seen = set(pending)
        while pending:
            bound, parts, diagram = pending.pop()
            ended = [part for part in parts if part[0] < TERMINALS]
            bound -= sum((end == 1) is not negated for end, negated in ended)
            parts = tuple(part for part in parts if part[0] >= TERMINALS)
            if bound <= 0 or bound > len(parts):
                if diagram != (bound <= 0):
                    return False
                continue
            level = min(nodes[diagram][0], *(nodes[part][0] for part, _ in parts))
            for value in range(self._circuit.domains[self._places[level]].size):
                below = (
                    bound,
                    tuple((self._below(part, level, value), negated) for part, negated in parts),
                    self._below(diagram, level, value),
                )
                if below not in seen:
                    seen.add(below)
                    pending.append(below)
        return True

    def _below(self, number: int, level: int, value: int) -> int:
        """Return where a node leads with a value of the domain at a level; others stay."""
        own, children = self._nodes[number]
        return children[value] if own == level else number

    def _asking(self, source: Source) -> tuple[int, tuple[int, ...]]:
        """Return the node that asks whether a domain has one of the values of a source."""
        size = self._circuit.domains[source.domain].size
        return self._levels[source.domain], tuple(source.values >> at & 1 for at in range(size))

    def _built(self) -> tuple[int, ...]:
        found = self._made

        def of(literal: Literal) -> int:
            return found[literal] if literal > 0 else self._negated(found[-literal])

        for number in self._circuit.cone(self._literals):
            node = self._circuit.nodes[number]
            if isinstance(node, Source):
                found[number] = self._node(*self._asking(node))
            elif number != TRUE:
                found[number] = self._gate(node, [of(part) for part in node.literals])
        return tuple(map(of, self._literals))

    def _gate(self, gate: Gate, parts: list[int]) -> int:
        """Combine parts from the last domain up: what is below is made once."""
        parts.sort(key=lambda part: -self._nodes[part][0])
        reached = [1] + [0] * gate.bound
        if gate.bound == len(parts):
            for part in parts:
                reached[0] = self._both(reached[0], part)
            return reached[0]
        for part in parts:
            for count in range(gate.bound, 0, -1):
                one_more = self._both(reached[count - 1], part)
                reached[count] = self._either(reached[count], one_more)
        return reached[gate.bound]

    def _node(self, level: int, children: tuple[int, ...]) -> int:
        if len(set(children)) == 1:
            return children[0]
        key = (level, children)
        number = self._numbers.get(key)
        if number is None:
            if len(self._nodes) >= MOST_NODES:
                raise TooLargeError
            number = self._numbers[key] = len(self._nodes)
            self._nodes.append(key)
        return number

    def _negated(self, number: int) -> int:
        negation = self._negations.get(number)
        if negation is None:
            level, children = self._nodes[number]
            negation = self._node(level, tuple([self._negated(child) for child in children]))
            self._negations[number], self._negations[negation] = negation, number
        return negation

    def _either(self, first: int, second: int) -> int:
        return self._negated(self._both(self._negated(first), self._negated(second)))

    def _both(self, first: int, second: int) -> int:
        if first == 0 or second == 0:
            return 0
        if first in (1, second):
            return second
        if second == 1:
            return first
        key = (first, second) if first < second else (second, first)
        both = self._conjunctions.get(key)
        if both is None:
            (one_level, one), (other_level, other) = self._nodes[first], self._nodes[second]
            if one_level == other_level:
                pairs = zip(one, other, strict=True)
                children = [self._both(mine, theirs) for mine, theirs in pairs]
            elif one_level < other_level:
                children = [self._both(mine, second) for mine in one]
            else:
                children = [self._both(first, theirs) for theirs in other]
            both = self._node(min(one_level, other_level), tuple(children))
            self._conjunctions[key] = both
        return both


def _in_order(circuit: Circuit, literals: Sequence[Literal]) -> list[int]:
    """Return the places of the domains that literals ask for, in an order that keeps diagrams small.

    First those of whole facts, as they are met depth first. Then the members of sets, those of one
    name side by side: what one set says of a drug is tied to what another says of the same drug.
    """
    seen: set[int] = set()
    found: dict[int, None] = {}
    pending = [abs(literal) for literal in reversed(literals)]
    while pending:
        number = pending.pop()
        if number not in seen:
            seen.add(number)
            node = circuit.nodes[number]
            if isinstance(node, Source):
                found.setdefault(node.domain)
            else:
                pending += [abs(literal) for literal in reversed(node.literals)]
    return sorted(found, key=lambda place: circuit.domains[place].unit.member or "")
