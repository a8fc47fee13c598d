"""All minimal sets of units by which a case comes to a goal: the search behind explanations.

Which units, given other values, make the goal certain? Where it is not certain, some completion
fails; the circuit tells in which ways units could keep it from failing, and every set looked for
holds one of these ways. So a state grows by each of its ways, the smallest states first, until
no completion of it fails. A state that holds a set already found is dropped. As smaller states
are all done before larger ones, what is found is minimal, and when nothing is left, it is
complete.

The idea is Reiter's hitting-set tree (A theory of diagnosis from first principles, 1987), with
the conflicts read off the circuit, and values beside the sets.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from itertools import accumulate, product
from math import prod
from operator import or_

from engine.circuit import Circuit, Evaluator, LaneBuilder, Literal, striped
from engine.clashes import Clash
from engine.inputs import places
from engine.ways import Point, Setting, Way

MOST_LANES = 256
"""Completions of one state that are evaluated side by side; beyond that the solver is asked."""
MOST_POINTS = 8_192
"""Points evaluated at once."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is looked for: in every completion that is free of contradictions, the goal."""

    circuit: Circuit
    evaluator: Evaluator
    goal: Literal
    both: Literal
    """The completion is free of contradictions, and has the goal."""
    either: Literal
    """The completion breaks a contradiction, or has the goal."""
    clashes: Sequence[Clash]

    @staticmethod
    def of(circuit: Circuit, invalid: Literal, clashes: Sequence[Clash], goal: Literal) -> "Target":
        """Build the target that asks for a goal wherever `invalid` fails."""
        both, either = circuit.all_of([-invalid, goal]), circuit.any_of([invalid, goal])
        return Target(circuit, Evaluator(circuit, [both, either]), goal, both, either, clashes)


@dataclass(frozen=True, slots=True)
class Space:
    """What a search may do with each domain of a circuit.

    `base` are the values that a unit has, or may have, as long as it is not set; the goal must
    hold for them all. `offered` are the values to one of which it can be set; none if it cannot
    be. `nearest` lists the values of a unit in the order in which they are tried.
    """

    base: Sequence[int]
    offered: Sequence[int]
    nearest: Callable[[int], Sequence[int]]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a state fails: a completion without the goal, or a clash that leaves it none."""

    nodes: Sequence[int] = ()
    lane: int = 0
    clash: Clash | None = None


class Search:
    """Looks for minimal sets in one space. A state is a way: units set, and values forbidden."""

    def __init__(
        self,
        target: Target,
        space: Space,
        ask: Callable[[Sequence[int]], Failure | None],
        check: Callable[[], None],
    ) -> None:
        """`ask` finds a failure among completions given by the values each domain may have.

        It is called where there are too many to evaluate. `check` raises an error when time is up.
        """
        self._target = target
        self._space = space
        self._ask = ask
        self._check = check
        domains = target.circuit.domains
        self._offsets = list(accumulate((domain.size for domain in domains), initial=0))
        self._all = [domain.all for domain in domains]
        self._open = [
            place for place in target.evaluator.domains if space.base[place].bit_count() > 1
        ]
        self._open_units = sum(1 << place for place in self._open)
        self._width = prod(space.base[place].bit_count() for place in self._open)
        self._block = self._build_block() if self._width <= MOST_LANES else None

    def minimal(self) -> Iterator[Way]:
        """Yield a state for each minimal set of units, the smallest sets first."""
        waiting: dict[int, list[Way]] = {0: [(0, 0)]}
        seen = {(0, 0)}
        found: list[int] = []
        while waiting:
            size = min(waiting)
            states = [
                state
                for state in waiting.pop(size)
                if not any(units & state[0] == units for units in found)
            ]
            for state, failure in zip(states, self.failures(states), strict=True):
                if any(units & state[0] == units for units in found):
                    continue
                if failure is None:
                    found.append(state[0])
                    yield state
                    continue
                for grown in self._grown(state, failure):
                    if grown not in seen:
                        seen.add(grown)
                        waiting.setdefault(grown[0].bit_count(), []).append(grown)

    def values(self, sets: Sequence[int]) -> list[list[tuple[int, ...]]]:
        """Find for each minimal set all values with which it works, in the order of its units."""
        found: list[list[tuple[int, ...]]] = [[] for _ in sets]
        tried: list[tuple[int, tuple[int, ...]]] = []
        for number, units in enumerate(sets):
            members = list(places(units))
            settled = self._settled(members)
            left = [self._left(place, settled) for place in members]
            count = prod(values.bit_count() for values in left)
            if count == 1:
                found[number].append(tuple(values.bit_length() - 1 for values in left))
            elif self._block is not None and count <= MOST_LANES:
                tried.extend((number, point) for point in product(*map(places, left)))
            else:
                found[number].extend(self._points((units, settled), members))
        states = [
            self.barring(
                {place: 1 << value for place, value in zip(places(sets[n]), point, strict=True)}
            )
            for n, point in tried
        ]
        for (number, point), failure in zip(tried, self.failures(states), strict=True):
            if failure is None:
                found[number].append(point)
        return found

    def _points(self, start: Way, members: Sequence[int]) -> Iterator[tuple[int, ...]]:
        """Yield all values of a set with which it works, where there are many to try.

        Each state has one point tried. If that works, what is left of the state is split into
        those that differ from the point in one unit and agree with it in those before.
        """
        waiting = [start]
        seen = {start[1]}
        found: set[tuple[int, ...]] = set()
        while waiting:
            following: list[Way] = []
            for state, failure in zip(waiting, self.failures(waiting), strict=True):
                if failure is not None:
                    grown = (way for way in self._grown(state, failure) if way[0] == start[0])
                    following.extend(grown)
                    continue
                point = tuple(self._tried(place, state[1]) for place in members)
                if point not in found:
                    found.add(point)
                    yield point
                following.extend(self._others(state, members, point))
            waiting = [way for way in dict.fromkeys(following) if way[1] not in seen]
            seen.update(way[1] for way in waiting)

    def _others(self, state: Way, members: Sequence[int], point: Sequence[int]) -> Iterator[Way]:
        """Split what is left of a state when one of its points is taken out."""
        units, forbidden = state
        for place, value in zip(members, point, strict=True):
            others = self._left(place, forbidden) & ~(1 << value)
            if others:
                yield units, forbidden | 1 << self._offsets[place] + value
            forbidden |= others << self._offsets[place]

    def _settled(self, members: Sequence[int]) -> int:
        """Return the values that units have now; in a minimal set each gets another one."""
        return sum(
            base << self._offsets[place]
            for place in members
            if not (base := self._space.base[place]) & (base - 1)
        )

    def barring(self, values: Mapping[int, int]) -> Way:
        """Return the state in which units are set to one of these values each."""
        barred = (self._all[place] & ~left for place, left in values.items())
        return (
            sum(1 << place for place in values),
            sum(b << self._offsets[place] for b, place in zip(barred, values, strict=True)),
        )

    def failures(self, states: Sequence[Way]) -> Iterator[Failure | None]:
        """Yield why each state fails, or None for one that works."""
        if self._block is None:
            for state in states:
                self._check()
                possible = self._possible(state)
                clash = self._clash(possible)
                yield self._ask(possible) if clash is None else Failure(clash=clash)
            return
        at_once = max(1, MOST_POINTS // self._width)
        for start in range(0, len(states), at_once):
            self._check()
            yield from self._evaluated(self._block, states[start : start + at_once])

    def _possible(self, state: Way) -> list[int]:
        """Return the values that each domain may have in a state."""
        possible = list(self._space.base)
        for place in places(state[0]):
            possible[place] = 1 << self._tried(place, state[1])
        return possible

    def _tried(self, place: int, forbidden: int) -> int:
        """Return the value that a state tries for a unit: the nearest that is left."""
        left = self._left(place, forbidden)
        if left & (left - 1):
            return next(value for value in self._space.nearest(place) if left >> value & 1)
        return left.bit_length() - 1

    def _left(self, place: int, forbidden: int) -> int:
        """Return the values offered that are not forbidden."""
        return self._space.offered[place] & ~(forbidden >> self._offsets[place])

    def _build_block(self) -> LaneBuilder:
        """Lay out the completions of the empty state side by side."""
        builder = self._target.circuit.lanes(self._width)
        for place in self._target.evaluator.domains:
            if place not in self._open:
                builder.put(place, self._space.base[place], builder.ones)
        stride = 1
        for place in self._open:
            values = list(places(self._space.base[place]))
            for turn, value in enumerate(values):
                lanes = striped(turn * stride, stride, len(values) * stride, self._width)
                builder.put(place, 1 << value, lanes)
            stride *= len(values)
        return builder

    def _evaluated(self, block: LaneBuilder, states: Sequence[Way]) -> Iterator[Failure | None]:
        """Evaluate all completions of all states at once."""
        width, target = self._width, self._target
        repeated = striped(0, 1, width, width * len(states))
        builder = target.circuit.lanes(width * len(states))
        builder.lanes = [lanes * repeated for lanes in block.lanes]
        for number, (units, forbidden) in enumerate(states):
            lanes = block.ones << number * width
            for place in places(units):
                builder.put(place, 1 << self._tried(place, forbidden), lanes)
        nodes = target.evaluator.evaluate(builder.lanes, builder.ones)
        both = self._node(nodes, target.both, builder.ones)
        either = self._node(nodes, target.either, builder.ones)
        for number, state in enumerate(states):
            bad = ~either >> number * width & block.ones
            good = both >> number * width & block.ones
            if good and not bad:
                yield None
            elif bad or width == 1:
                lane = (bad & -bad).bit_length() - 1 if bad else 0
                yield Failure(nodes, number * width + lane)
            else:
                yield Failure(clash=self._clash(self._possible(state)))

    def _clash(self, possible: Sequence[int]) -> Clash | None:
        """Return a clash that holds in all completions, or None if some are free of them."""
        for clash in self._target.clashes:
            if not any(possible[place] & ~values for place, values in clash):
                return clash
        return None

    def _node(self, nodes: Sequence[int], literal: Literal, ones: int) -> int:
        lanes = nodes[self._target.evaluator.place[abs(literal)]]
        return lanes if literal > 0 else ones ^ lanes

    def _grown(self, state: Way, failure: Failure) -> Iterator[Way]:
        """Yield the states that a failing one grows into."""
        units, forbidden = state
        for more, barred in self._ways(state, failure):
            grown = units | more, forbidden | barred
            if all(self._left(place, grown[1]) for place in places(more)):
                yield grown

    def _ways(self, state: Way, failure: Failure) -> Iterator[Way]:
        """Yield the ways in which units could keep a state from failing as it does."""
        if failure.clash is not None:
            settings = ((place, self._all[place] & ~values) for place, values in failure.clash)
            yield from filter(None, (self._way(state, *setting) for setting in settings))
            return
        target = self._target
        point = Point(
            target.circuit, target.evaluator, failure.nodes, failure.lane, partial(self._way, state)
        )
        if self._width == 1:
            yield from point.ways(target.both)
            return
        causes = point.causes(target.goal)
        yield from filter(None, (self._way(state, *setting) for setting in causes))
        yield from self._ruling_out(state, causes)

    def _ruling_out(self, state: Way, causes: Iterable[Setting]) -> Iterator[Way]:
        """Yield the ways to rule out, by a clash, that open units have the values of a failure.

        `causes` are settings none of which is made in the failure.
        """
        possible = self._possible(state)
        failing: dict[int, int] = {}
        for place, values in causes:
            if self._open_units >> place & 1 and not state[0] >> place & 1:
                failing[place] = failing.get(place, possible[place]) & ~values
        for clash in self._target.clashes:
            if not any(place in failing for place, _ in clash):
                continue
            needed = [
                (place, values)
                for place, values in clash
                if failing.get(place, possible[place]) & ~values
            ]
            if all(place not in failing or (place, values) in needed for place, values in clash):
                continue
            ways = [self._way(state, place, values) for place, values in needed]
            made = [way for way in ways if way is not None]
            if made and len(made) == len(ways):
                yield reduce(or_, (way[0] for way in made)), reduce(or_, (way[1] for way in made))

    def _way(self, state: Way, place: int, values: int) -> Way | None:
        """Return the way in which a unit comes to have one of the values, if it can."""
        if not self._left(place, state[1]) & values:
            return None
        return 1 << place, (self._all[place] & ~values) << self._offsets[place]
