"""At a point where a literal fails: what would make it hold, and why it fails."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from itertools import combinations
from math import comb
from operator import and_

from engine.circuit import Evaluator, Literal, Setting, Way
from engine.inputs import places

MOST_WAYS = 128
"""Ways of one gate; where there are more, they are shortened to what they share."""


def ways_of(
    evaluator: Evaluator, values: Sequence[int], lane: int, left: int, literal: Literal
) -> Sequence[Way]:
    """Return ways to make a failing literal hold: whatever makes it hold goes one of them.

    `values` are what the gates come to, and `lane` is the completion among them that is meant.
    `left` are the values that units can come to have, as bits among those of all units.
    """
    parts_of, leaves = evaluator.parts, evaluator.leaves
    found: dict[Literal, Sequence[Way]] = {}
    here = 1 << lane

    def ways(literal: Literal) -> Sequence[Way]:
        known = found.get(literal)
        if known is not None:
            return known
        gate = parts_of.get(literal)
        if gate is None:
            can_be, way = leaves[literal]
            result: Sequence[Way] = way if left & can_be else ()
        else:
            bound, parts = gate
            failing = [
                part
                for part in parts
                if (not values[part] & here if part > 0 else values[-part] & here)
            ]
            spare = len(parts) - bound
            if len(failing) == 1:
                result = ways(failing[0])
            elif spare == len(failing) - 1:
                result = _few([way for part in failing for way in ways(part)])
            else:
                needed = len(failing) - spare
                possible: list[Sequence[Way]] = []
                for part in failing:
                    if some := ways(part):
                        possible.append(some)
                    elif (spare := spare - 1) < 0:
                        break
                result = _several(possible, needed) if spare >= 0 else ()
        found[literal] = result
        return result

    return ways(literal)


class Point:
    """One completion in which literals of an evaluator fail, with what its gates come to.

    `way` gives the way in which a unit comes to have one of some values, or None if it cannot;
    `cost` says in how many ways, by itself or others, a unit can come to have other values.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        values: Sequence[int],
        lane: int,
        way: Callable[[int, int], Way | None],
        cost: Callable[[int], int],
    ) -> None:
        self._parts = evaluator.parts
        self._settings = evaluator.settings
        self._values = values
        self._lane = 1 << lane
        self._way = way
        self._cost = cost
        self._causes: dict[Literal, frozenset[Setting]] = {}

    def causes(self, literal: Literal) -> frozenset[Setting]:
        """Return settings such that the literal keeps failing as long as none of them is made.

        Where several reasons could be given, it is the one whose settings that can be made cost
        least.
        """
        found = self._causes.get(literal)
        if found is None:
            found = self._causes[literal] = self._why(literal)
        return found

    def _why(self, literal: Literal) -> frozenset[Setting]:
        setting = self._settings.get(literal)
        if setting is not None:
            return frozenset([setting])
        failing, enough = self._failing(literal)
        causes = [self.causes(lit) for lit in failing]
        if enough < len(causes):
            causes.sort(key=self._priced)
        return frozenset().union(*causes[:enough])

    def _priced(self, settings: Iterable[Setting]) -> tuple[int, list[Setting]]:
        can_be_made = (place for place, values in settings if self._way(place, values) is not None)
        return sum(map(self._cost, can_be_made)), sorted(settings)

    def _failing(self, literal: Literal) -> tuple[Sequence[Literal], int]:
        """Return the literals of a gate that fail, and how many of them explain its failure."""
        bound, parts = self._parts[literal]
        values, lane = self._values, self._lane
        failing = [
            part
            for part in parts
            if (not values[part] & lane if part > 0 else values[-part] & lane)
        ]
        return failing, len(parts) - bound + 1


def _several(possible: Sequence[Sequence[Way]], needed: int) -> Sequence[Way]:
    """Return the ways to make several of some literals hold, given the ways of each."""
    if needed == len(possible):
        return _joined(possible)
    if comb(len(possible), needed) > MOST_WAYS:
        return _few([way for ways in possible for way in ways])
    return _few([way for chosen in combinations(possible, needed) for way in _joined(chosen)])


def _joined(chosen: Iterable[Sequence[Way]]) -> Sequence[Way]:
    """Join ways of several literals that are all needed; if there are too many, those of some."""
    joined, *others = sorted(chosen, key=len)
    for ways in others:
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
    if len(ways) < 2:
        return ways
    if len(ways) == 2:
        (units, barred), (more, further) = ways
        if units | more == more and barred | further == further:
            return ways[:1]
        return ways[1:] if units | more == units and barred | further == barred else ways
    if len(ways) <= MOST_WAYS:
        kept: list[Way] = []
        for units, barred in sorted(set(ways)):
            for more, further in kept:
                if more | units == units and further | barred == barred:
                    break
            else:
                kept.append((units, barred))
        return kept
    kept, left = [], list(ways)
    while left:
        counts = Counter(place for units, _ in left for place in places(units))
        shared = 1 << max(counts, key=lambda place: (counts[place], -place))
        alike = [way for way in left if way[0] & shared]
        kept.append((reduce(and_, (w[0] for w in alike)), reduce(and_, (w[1] for w in alike))))
        left = [way for way in left if not way[0] & shared]
    return kept
