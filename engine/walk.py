"""Walks through a decision diagram of cases in which facts are unknown: one state after another.

A state is the set of nodes that completions of a case can have come to. What is known of the next
domain leads to one next state, so a partly known case is as short a walk as a complete one. States
and where they lead are made as cases come, and kept. (Powerset construction: Rabin and Scott,
Finite automata and their decision problems, 1959; made on demand: Thompson, Regular expression
search algorithm, 1968.)
"""

from collections.abc import Iterable, Sequence
from functools import reduce
from itertools import count
from operator import or_
from threading import Lock
from typing import Generic, TypeAlias, TypeVar

from engine.diagram import TERMINALS, Diagram
from engine.inputs import places

T = TypeVar("T")
Move: TypeAlias = int
"""The level of a question with the values that its domain may have (`Walks.move`)."""
MOST_STEPS = 200_000
"""Steps that are kept; beyond them everything is forgotten, and made again as cases come."""


class State(dict[Move, "State[T]"], Generic[T]):
    """Where completions can be; what each move leads to is made when it is first asked for.

    Moves come in the order of their levels. Those of whole facts come each; of members only those
    that are not known to be out of their sets, and a move says that all members it passes are out.
    """

    __slots__ = ("_walks", "end", "ended", "nodes")

    def __init__(self, walks: "Walks[T]", nodes: frozenset[int], end: T) -> None:
        super().__init__()
        self._walks = walks
        self.nodes = nodes
        self.end = end
        """What the completions come to if all further members are out of their sets."""
        self.ended = all(number < TERMINALS for number in nodes)
        """Whether they come to that anyway."""

    def __missing__(self, move: Move) -> "State[T]":
        self[move] = state = self._walks.after(self.nodes, move)
        return state


class Walks(Generic[T]):
    """The walks through one diagram. May be shared between threads."""

    def __init__(self, diagram: Diagram, ends: Sequence[T]) -> None:
        """Prepare to walk.

        `ends` says what each terminal means, the first also what several of the others do.
        """
        self.diagram = diagram
        self._ends = ends
        self._width = max((len(node.children) for node in diagram.nodes.values()), default=1)
        self._all_values = (1 << self._width) - 1
        terminals = range(TERMINALS)
        self._levels = [len(diagram.places) for _ in terminals]
        self._children: list[tuple[int, ...]] = [() for _ in terminals]
        self._absent = [*terminals]
        """Where nodes lead with their first value: with a member that is out of its set."""
        self._outside = [*terminals]
        """Where nodes lead if all members that they ask for are out of their sets."""
        self._leads_to = [1 << terminal for terminal in terminals]
        """The terminals that some case comes to from a node, as bits."""
        for number in range(TERMINALS, TERMINALS + len(diagram.nodes)):
            node = diagram.nodes[number]
            self._levels.append(node.level)
            self._children.append(node.children)
            self._absent.append(node.children[0])
            self._outside.append(self._outside[node.children[0]])
            self._leads_to.append(reduce(or_, (self._leads_to[child] for child in node.children)))
        self._lock = Lock()
        self._begin()

    def _begin(self) -> None:
        self._kept = count(1)
        self._states: dict[frozenset[int], State[T]] = {}
        self.start = self._state({self.diagram.root})

    def move(self, level: int, values: int) -> Move:
        """Return the move by which the domain of a level has one of some values."""
        return level << self._width | values

    def end(self, possible: Sequence[int]) -> T:
        """Return what all completions come to, given the values each domain may have, as bits.

        Those that come to the first terminal do not count. Where others come to several, or none is
        left, that is the first of `ends`.
        """
        state, members_from = self.start, self.diagram.members_from
        for level, place in enumerate(self.diagram.places):
            values = possible[place]
            if level < members_from or values != 1:
                state = state[level << self._width | values]
        return state.end

    def after(self, nodes: Iterable[int], move: Move) -> State[T]:
        """Return where a move leads from some nodes."""
        level, values = move >> self._width, list(places(move & self._all_values))
        levels, absent, below = self._levels, self._absent, self._children
        found = set[int]()
        for node in nodes:
            number = node
            while levels[number] < level:
                number = absent[number]
            if levels[number] > level or number < TERMINALS:
                found.add(number)
                continue
            children = below[number]
            for value in values:
                found.add(children[value])
        with self._lock:
            if next(self._kept) > MOST_STEPS:
                self._begin()
            return self._state(found)

    def _state(self, nodes: set[int]) -> State[T]:
        """Return the state of some nodes, without those that lead to nothing new."""
        nodes.discard(0)
        old = 1
        for number in nodes:
            if number < TERMINALS:
                old |= 1 << number
        if old.bit_count() > 2:
            kept = frozenset([0])
        else:
            leads_to, end = self._leads_to, old.bit_length() - 1
            kept = frozenset([n for n in nodes if n == end or leads_to[n] & ~old])
        state = self._states.get(kept)
        if state is None:
            left = {self._outside[number] for number in kept} - {0}
            only = left.pop() if len(left) == 1 else 0
            state = self._states[kept] = State(self, kept, self._ends[only])
        return state
