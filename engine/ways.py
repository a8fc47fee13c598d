"""At a point where a literal fails: what would make it hold, and why it fails."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from itertools import combinations
from math import comb
from operator import and_
from typing import TypeAlias

from engine.circuit import Circuit, Evaluator, Gate, Literal, Source
from engine.inputs import places

Way: TypeAlias = tuple[int, int]
"""Units as bits, and values they must not have, as bits among the values of all units."""
Setting: TypeAlias = tuple[int, int]
"""A unit, by the place of its domain, and values to one of which it would have to be set."""

MOST_WAYS = 128
"""Ways of one gate; where there are more, they are shortened to what they share."""


class Point:
    """One completion in a circuit, with what its gates come to.

    `way` gives the way in which a unit comes to have one of some values, or None if it cannot.
    """

    def __init__(
        self,
        circuit: Circuit,
        evaluator: Evaluator,
        nodes: Sequence[int],
        lane: int,
        way: Callable[[int, int], Way | None],
    ) -> None:
        self._circuit = circuit
        self._place = evaluator.place
        self._nodes = nodes
        self._lane = lane
        self._way = way
        self._found: dict[Literal, Sequence[Way]] = {}
        self._causes: dict[Literal, frozenset[Setting]] = {}

    def ways(self, literal: Literal) -> Sequence[Way]:
        """Return ways to make a failing literal hold: whatever makes it hold goes one of them."""
        found = self._found.get(literal)
        if found is None:
            found = self._found[literal] = self._find(literal)
        return found

    def causes(self, literal: Literal) -> frozenset[Setting]:
        """Return settings such that the literal keeps failing as long as none of them is made.

        Where several reasons could be given, it is the one with the fewest that can be made.
        """
        found = self._causes.get(literal)
        if found is None:
            found = self._causes[literal] = self._why(literal)
        return found

    def _find(self, literal: Literal) -> Sequence[Way]:
        node = self._circuit.nodes[abs(literal)]
        if isinstance(node, Source):
            way = self._way(*self._setting(literal, node))
            return [] if way is None else [way]
        candidates, needed, _ = self._failing(literal, node)
        if needed == 1:
            return _few([way for lit in candidates for way in self.ways(lit)])
        possible = [ways for lit in candidates if (ways := self.ways(lit))]
        if needed > len(possible):
            return []
        if comb(len(possible), needed) > MOST_WAYS:
            return _few([way for ways in possible for way in ways])
        return _few([way for chosen in combinations(possible, needed) for way in _joined(chosen)])

    def _why(self, literal: Literal) -> frozenset[Setting]:
        node = self._circuit.nodes[abs(literal)]
        if isinstance(node, Source):
            return frozenset([self._setting(literal, node)])
        candidates, _, enough = self._failing(literal, node)
        causes = [self.causes(lit) for lit in candidates]
        if enough < len(causes):
            causes.sort(key=self._possible)
        return frozenset().union(*causes[:enough])

    def _possible(self, settings: Iterable[Setting]) -> tuple[int, list[Setting]]:
        made = [self._way(*setting) is not None for setting in settings]
        return sum(made), sorted(settings)

    def _setting(self, literal: Literal, node: Source) -> Setting:
        every = self._circuit.domains[node.domain].all
        return node.domain, node.values if literal > 0 else every & ~node.values

    def _failing(self, literal: Literal, node: Gate) -> tuple[Sequence[Literal], int, int]:
        """Return the literals that fail.

        And how many of them would have to hold, and how many are enough to explain the failure.
        """
        parts = node.literals if literal > 0 else [-part for part in node.literals]
        failing = [part for part in parts if not self._holds(part)]
        bound = node.bound if literal > 0 else len(parts) - node.bound + 1
        return failing, bound - (len(parts) - len(failing)), len(parts) - bound + 1

    def _holds(self, literal: Literal) -> bool:
        return bool(self._nodes[self._place[abs(literal)]] >> self._lane & 1) == (literal > 0)


def _joined(chosen: Iterable[Sequence[Way]]) -> Sequence[Way]:
    """Join ways of several literals that are all needed; if there are too many, those of some."""
    joined: Sequence[Way] = [(0, 0)]
    for ways in sorted(chosen, key=len):
        if len(joined) * len(ways) > MOST_WAYS:
            return joined
        joined = _few(
            [(units | more, barred | further) for units, barred in joined for more, further in ways]
        )
    return joined


def _few(ways: Sequence[Way]) -> Sequence[Way]:
    """Drop ways that ask for all that another one asks for; shorten them if too many are left.

    Of ways that share a unit, only what they all ask is kept. Whatever goes one of the ways still
    goes one of those returned.
    """
    if len(ways) <= 1:
        return ways
    kept: list[Way] = []
    if len(ways) > MOST_WAYS:
        left = list(ways)
        while left:
            counts = Counter(place for units, _ in left for place in places(units))
            shared = 1 << max(counts, key=lambda place: (counts[place], -place))
            alike = [way for way in left if way[0] & shared]
            kept.append((reduce(and_, (w[0] for w in alike)), reduce(and_, (w[1] for w in alike))))
            left = [way for way in left if not way[0] & shared]
        return kept
    for units, barred in sorted(set(ways), key=lambda way: (way[0].bit_count(), way)):
        if not any(u | units == units and b | barred == barred for u, b in kept):
            kept.append((units, barred))
    return kept
