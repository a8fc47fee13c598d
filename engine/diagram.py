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
from functools import cached_property, reduce
from operator import or_
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

    A number below TERMINALS is a terminal: a set of up to three things that hold, as bits. Nodes
    have the numbers after that, the last questions first.
    """

    root: int
    nodes: Mapping[int, Node]
    members_from: int
    """The level from which on all domains are those of members of sets."""

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

    def only_end(self, possible: Sequence[int], inside: list[int] | None = None) -> int:
        """Return the one terminal other than 0 that cases reach; 0 for none, or for several.

        The same as looking at all that is `reached`, many times faster. Where all members are known,
        a caller that has them at hand gives the `levels` of those `inside` their sets.
        """
        places, branches, leads_to = self._steps
        members_end = TERMINALS
        if inside is not None:
            inside.sort()
            members_end = self._members_end
        found, known, pending, seen = 0, 1, [self.root], set[int]()
        while pending:
            number = pending.pop()
            while number >= members_end:
                try:
                    below = branches[number][possible[places[number]]]
                except KeyError:
                    below = self._open(number, possible[places[number]])
                if below.__class__ is int:
                    number = below
                    continue
                number = 0
                for child in below:
                    if child not in seen and leads_to[child] & ~known:
                        seen.add(child)
                        if number:
                            pending.append(child)
                        else:
                            number = child
            if number >= TERMINALS and inside is not None:
                number = self._end(number, inside)
            if number and number != found:
                if found:
                    return 0
                found, known = number, 1 | 1 << number
        return found

    @cached_property
    def levels(self) -> Mapping[int, int]:
        """The levels of the places of members, which come after those of all whole facts."""
        return {
            node.place: node.level
            for node in self.nodes.values()
            if node.level >= self.members_from
        }

    def _end(self, number: int, ahead: Sequence[int]) -> int:
        """Return where a case comes to in which just the members at some levels are in their sets."""
        members, skipped = self._members, self._skipped
        for level in ahead:
            if members[number][0] < level:
                key = number * MOST_DOMAINS + level
                number = skipped[key] if key in skipped else self._skip(number, level)
            if members[number][0] == level:
                number = members[number][2]
        return self._outside[number]

    def _skip(self, number: int, level: int) -> int:
        """Return, and keep, where a node leads if all members before a level are out of their sets."""
        start = number
        while self._members[number][0] < level:
            number = self._members[number][1]
        self._skipped[start * MOST_DOMAINS + level] = number
        return number

    @cached_property
    def _skipped(self) -> dict[int, int]:
        return {}

    @cached_property
    def _members_end(self) -> int:
        """The number after the last node that asks for a member."""
        return TERMINALS + sum(node.level >= self.members_from for node in self.nodes.values())

    @cached_property
    def _members(self) -> list[tuple[int, int, int]]:
        """The nodes that ask for members, with their level and both children; terminals come last."""
        asked = [(MOST_DOMAINS, number, number) for number in range(TERMINALS)]
        for number in range(TERMINALS, self._members_end):
            absent, present = self.nodes[number].children
            asked.append((self.nodes[number].level, absent, present))
        return asked

    @cached_property
    def _outside(self) -> list[int]:
        """Where nodes that ask for members lead if all these are out of their sets."""
        found = list(range(TERMINALS))
        for _, absent, _ in self._members[TERMINALS:]:
            found.append(found[absent])
        return found

    @cached_property
    def _steps(self) -> tuple[list[int], list[dict[int, Any]], list[int]]:
        """For each node its place, where it leads, and the terminals that some case comes to.

        It leads to a node, or with several values perhaps to several: 0 where all come to 0. Values
        are kept as they are met. Terminals are bits.
        """
        places = [0] * TERMINALS
        branches: list[dict[int, Any]] = [{} for _ in places]
        leads_to = [1 << terminal for terminal in range(TERMINALS)]
        for node in map(self.nodes.__getitem__, range(TERMINALS, TERMINALS + len(self.nodes))):
            places.append(node.place)
            ends = [leads_to[child] for child in node.children]
            leads_to.append(reduce(or_, ends))
            branches.append(
                {
                    1 << value: child if ends[value] & ~1 else 0
                    for value, child in enumerate(node.children)
                }
            )
        return places, branches, leads_to

    def _open(self, number: int, values: int) -> int | tuple[int, ...]:
        """Keep and return where a node leads with one of some values, other than to 0 alone."""
        _, branches, leads_to = self._steps
        node = self.nodes[number]
        children = dict.fromkeys(node.children[value] for value in places(values))
        open_ones = tuple(child for child in children if leads_to[child] & ~1)
        below = open_ones[0] if len(open_ones) == 1 else open_ones
        if len(branches[number]) < MOST_BRANCHES:
            branches[number][values] = below
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
        needed = self._below_all([root])
        numbers = {number: number for number in range(TERMINALS)}
        in_order = sorted(needed, key=lambda number: (-self._nodes[number][0], number))
        numbers |= {number: at for at, number in enumerate(in_order, start=TERMINALS)}
        nodes: dict[int, Node] = {}
        for number in in_order:
            level, children = self._nodes[number]
            own = tuple(numbers[child] for child in children)
            nodes[numbers[number]] = Node(level, self._places[level], own)
        members_from = sum(
            self._circuit.domains[place].unit.member is None for place in self._places
        )
        return Diagram(numbers[root], nodes, members_from)

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
