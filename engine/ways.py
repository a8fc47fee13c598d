"""At a point where a literal fails: what would make it hold, and why it fails."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from itertools import combinations
from math import comb
from operator import and_
from typing import TypeAlias

from engine.circuit import Evaluator, Literal, Setting
from engine.inputs import places

Way: TypeAlias = tuple[int, int]
"""Units as bits, and values they must not have, as bits among the values of all units."""

MOST_WAYS = 128
"""Ways of one gate; where there are more, they are shortened to what they share."""


class Point:
    """One completion in a circuit, with what its gates come to. Literals are the evaluator's.

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
        self._found: dict[Literal, Sequence[Way]] = {}
        self._causes: dict[Literal, frozenset[Setting]] = {}

    def ways(self, literal: Literal) -> Sequence[Way]:
        """Return ways to make a failing literal hold: whatever makes it hold goes one of them."""
        found = self._found.get(literal)
        if found is not None:
            return found
        setting = self._settings.get(literal)
        if setting is not None:
            way = self._way(*setting)
            found = () if way is None else (way,)
        else:
            failing, needed, _ = self._failing(literal)
            ways = self.ways
            if len(failing) == 1:
                found = ways(failing[0])
            elif needed == 1:
                found = _few([way for part in failing for way in ways(part)])
            else:
                possible: list[Sequence[Way]] = []
                spare = len(failing) - needed
                for part in failing:
                    if some := ways(part):
                        possible.append(some)
                    elif (spare := spare - 1) < 0:
                        break
                found = _several(possible, needed) if spare >= 0 else ()
        self._found[literal] = found
        return found

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
        failing, _, enough = self._failing(literal)
        causes = [self.causes(lit) for lit in failing]
        if enough < len(causes):
            causes.sort(key=self._priced)
        return frozenset().union(*causes[:enough])

    def _priced(self, settings: Iterable[Setting]) -> tuple[int, list[Setting]]:
        can_be_made = (place for place, values in settings if self._way(place, values) is not None)
        return sum(map(self._cost, can_be_made)), sorted(settings)

    def _failing(self, literal: Literal) -> tuple[Sequence[Literal], int, int]:
        """Return the literals of a gate that fail.

        And how many of them would have to hold, and how many are enough to explain the failure.
        """
        bound, parts = self._parts[literal]
        values, lane = self._values, self._lane
        failing = [
            part
            for part in parts
            if (not values[part] & lane if part > 0 else values[-part] & lane)
        ]
        return failing, bound - len(parts) + len(failing), len(parts) - bound + 1


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
