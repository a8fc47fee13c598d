"""Decision diagrams: what literals of a circuit come to, as graphs in which each domain is asked once.

A node asks for the value of one domain and has a child for each of its values; on every way from a
root domains come in one order, no two nodes ask the same, and none has equal children alone. So two
literals are equal just where their nodes are, a complete case is one short walk, and what is
unknown is a walk with branches. (Bryant, Graph-based algorithms for Boolean function manipulation,
1986; for domains of several values: Srinivasan et al., Algorithms for discrete function
manipulation, 1990.)
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from engine.circuit import TRUE, Circuit, Gate, Literal, Source

MOST_NODES = 200_000
"""Nodes made on the way; outcomes of the packaged policies need below 10,000."""
MOST_DOMAINS = 300
"""A diagram is as deep as it has domains, and is made by recursion."""
TERMINALS = 8
"""The first nodes ask nothing: each stands for a set of up to three things, as bits."""


class TooLargeError(Exception):
    """A diagram would have more nodes, or ask for more domains, than it may."""


@dataclass(frozen=True, slots=True)
class Node:
    """A question for the domain of a level, with the node to go on with for each of its values."""

    level: int
    children: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Diagram:
    """What a complete case comes to: walk from the root to a terminal.

    A number below TERMINALS is a terminal: a set of up to three things that hold, as bits. Nodes
    have the numbers after that, the last questions first.
    """

    root: int
    nodes: Mapping[int, Node]
    places: tuple[int, ...]
    """The place of the domain that is asked for at each level. Questions come in this order."""
    members_from: int
    """The level from which on all domains are those of members of sets."""


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
        needed = self._below_all([root])
        numbers = {number: number for number in range(TERMINALS)}
        in_order = sorted(needed, key=lambda number: (-self._nodes[number][0], number))
        numbers |= {number: at for at, number in enumerate(in_order, start=TERMINALS)}
        asked = sorted({self._nodes[number][0] for number in needed})
        levels = {level: at for at, level in enumerate(asked)}
        nodes: dict[int, Node] = {}
        for number in in_order:
            level, children = self._nodes[number]
            own = tuple(numbers[child] for child in children)
            nodes[numbers[number]] = Node(levels[level], own)
        of_levels = tuple(self._places[level] for level in asked)
        members_from = sum(self._circuit.domains[place].unit.member is None for place in of_levels)
        return Diagram(numbers[root], nodes, of_levels, members_from)

    def _below_all(self, roots: Iterable[int]) -> set[int]:
        """Return all nodes that roots lead to."""
        needed: set[int] = set()
        pending = list(roots)
        while pending:
            number = pending.pop()
            if number >= TERMINALS and number not in needed:
                needed.add(number)
                pending += self._nodes[number][1]
        return needed

    def together(self) -> tuple[list[tuple[int, tuple[int, ...]]], list[int]]:
        """Return all nodes that the roots lead to, children first, and the roots among them.

        A node is its place and its children; the first one has the number TERMINALS.
        """
        needed = self._below_all(self.roots)
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
        sizes = [self._circuit.domains[place].size for place in self._places]
        seen: set[tuple[int, tuple[int, ...], int]] = set()
        pending: list[tuple[int, tuple[int, ...], int]] = []

        def agree(bound: int, parts: Iterable[int], diagram: int) -> bool:
            """Whether a diagram is right where its parts are decided; what is open is looked at later.

            A part is twice the number of its diagram, and one more if it is negated.
            """
            rest = []
            for part in parts:
                if part >= 2 * TERMINALS:
                    rest.append(part)
                else:
                    bound -= (part >> 1) ^ (part & 1)
            if bound <= 0 or bound > len(rest):
                return diagram == (bound <= 0)
            state = (bound, tuple(rest), diagram)
            if state not in seen:
                seen.add(state)
                pending.append(state)
            return True

        parts = [2 * self._made[abs(literal)] + (literal < 0) for literal in literals]
        right = agree(bound, parts, diagram)
        while right and pending:
            bound, open_parts, diagram = pending.pop()
            asked = [(part, *nodes[part >> 1]) for part in open_parts]
            own, below = nodes[diagram]
            level = min(own, *[each[1] for each in asked])
            for value in range(sizes[level]):
                right = right and agree(
                    bound,
                    [
                        2 * children[value] + (part & 1) if at == level else part
                        for part, at, children in asked
                    ],
                    below[value] if own == level else diagram,
                )
        return right

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
