"""All minimal sets of units by which a case comes to a goal: the search behind changes.

Which units, given other values, make the goal certain? Where it is not certain, some completion
fails; the circuit tells in which ways units could keep it from failing, and every set looked for
holds one of these ways. So a state grows by each of its ways, the smallest states first, until
no completion of it fails. A state that holds more than a set already found is dropped. As smaller
states are all done before larger ones, what is found is minimal, and when nothing is left, it is
complete.

The idea is Reiter's hitting-set tree (A theory of diagnosis from first principles, 1987), with
the conflicts read off the circuit, and values beside the sets.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial, reduce
from itertools import islice, product, repeat
from math import prod
from operator import or_
from typing import NamedTuple, TypeAlias

from engine.circuit import Circuit, Evaluator, Lanes, Literal, Setting, Way, striped, surely
from engine.clashes import Clash
from engine.inputs import places
from engine.solver import SolvingStoppedError
from engine.ways import Point, ways_of

State: TypeAlias = tuple[int, int]
"""Units that are set, as bits, and the values each has left, as bits among those of all units."""
Box: TypeAlias = Mapping[int, int]
"""For units, by the place of their domain, the values each of which does."""

MOST_LANES = 256
"""Completions of one state that are evaluated side by side; beyond that the solver is asked."""
MOST_POINTS = 8_192
"""Points evaluated at once, and points of one box looked at."""


MOST_STATES = 50_000
"""States of one search, after which it is given up; the packaged policies meet some hundreds."""
MOST_ASKED = 5_000
"""The same where the solver is asked: it takes so much longer."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is looked for: in every completion that is free of contradictions, the goal.

    The literals are the evaluator's: the goal, the goal and no contradiction, and the goal or a
    contradiction.
    """

    circuit: Circuit
    evaluator: Evaluator
    goal: Literal
    both: Literal
    either: Literal
    surely: Callable[[Lanes, Lanes, int], list[int]]
    """Whether the goal is had and no contradiction, where some values are open."""
    clashes: Sequence[Clash]
    clashing: Mapping[int, int]
    """In how many of the clashes each domain is, if in any."""

    @staticmethod
    def of(circuit: Circuit, invalid: Literal, clashes: Sequence[Clash], goal: Literal) -> "Target":
        """Build the target that asks for a goal wherever `invalid` fails."""
        roots = [goal, circuit.all_of([-invalid, goal]), circuit.any_of([invalid, goal])]
        evaluator = Evaluator(circuit, roots)
        goal, both, either = map(evaluator.own, roots)
        clashing = Counter(place for clash in clashes for place, _ in clash)
        sure = surely(circuit, roots[1:2])
        return Target(circuit, evaluator, goal, both, either, sure, clashes, clashing)


@dataclass(frozen=True, slots=True)
class Space:
    """What a search may do with each domain of a circuit.

    `base` are the values that a unit has, or may have, as long as it is not set; the goal must
    hold for them all. `offered` are the values to one of which it can be set, none if it cannot
    be, and `left` the same as bits among the values of all units. `nearest` lists the values of a
    unit in the order in which they are tried.
    """

    base: Sequence[int]
    offered: Sequence[int]
    left: int
    nearest: Callable[[int], Sequence[int]]


class Failure(NamedTuple):
    """Why a state fails: a completion without the goal, or a clash that leaves it none."""

    nodes: Sequence[int] = ()
    lane: int = 0
    clash: Clash | None = None


class Search:
    """Looks for minimal sets in one space."""

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
        self._offsets = target.circuit.offsets
        self._all = target.circuit.all_values
        self._spans = target.circuit.spans
        self._open: list[int] = []
        held: list[int] = []
        for place in target.evaluator.domains:
            values = space.base[place]
            if values & (values - 1):
                self._open.append(place)
            elif values > 1:  # no source holds at the first value
                held += target.circuit.held_by[place][values.bit_length() - 1]
        self._open_units = sum(1 << place for place in self._open)
        self._width = prod(space.base[place].bit_count() for place in self._open)
        self._states = 0
        self._nearest: dict[tuple[int, int], int] = {}
        self._asks = self._width > MOST_LANES
        self._complete = self._width == 1
        if self._asks:
            self._width = 1
        self._at_once = max(1, MOST_POINTS // self._width)
        self._held = [*zip(held, repeat((1 << self._width) - 1)), *self._laid_out()]

    def minimal(self) -> Iterator[list[Box]]:
        """Yield for each minimal set boxes that cover all its values, the smallest sets first.

        Some points of a box may not work.
        """
        start = (0, self._space.left)
        waiting: dict[int, list[State]] = {0: [start]}
        seen = {start}
        fresh = [start]
        done: dict[State, Failure | None] = {}
        sets: list[int] = []
        while waiting:
            size = min(waiting)
            found: dict[int, list[Box]] = {}
            while states := waiting.pop(size, None):
                kept = self._still_open(states, sets)
                if any(state not in done for state in kept):
                    # To evaluate many at once costs hardly more than one; to ask for them does.
                    due = kept if self._asks else self._still_open(fresh, sets)
                    fresh = []
                    done.update(zip(due, self._failures(due), strict=True))
                for state in kept:
                    failure = done.pop(state)
                    if failure is None:
                        box = {place: self._left(place, state[1]) for place in _members(state[0])}
                        found.setdefault(state[0], []).append(box)
                        continue
                    for grown in self._grown(state, failure):
                        if grown not in seen:
                            seen.add(grown)
                            fresh.append(grown)
                            waiting.setdefault(grown[0].bit_count(), []).append(grown)
            sets.extend(found)
            yield from found.values()

    def _still_open(self, states: Iterable[State], sets: Sequence[int]) -> list[State]:
        """Return the states that hold no set found."""
        return [s for s in states if not any(units & s[0] == units for units in sets)]

    def begin_anew(self) -> None:
        """Count the states looked at from nothing again."""
        self._states = 0

    def some(self) -> Iterator[list[Box]]:
        """Yield some minimal sets, where there are too many states to find the smallest, or all."""
        self.begin_anew()
        waiting = [(0, self._space.left)]
        seen = set(waiting)
        sets: list[int] = []
        while waiting:
            state = waiting.pop()
            if any(units & state[0] == units for units in sets):
                continue
            (failure,) = self._failures([state])
            if failure is None:
                for boxes in self._within(state[0]).minimal():
                    sets.append(sum(1 << place for place in boxes[0]))
                    yield boxes
                continue
            grown = [further for further in self._grown(state, failure) if further not in seen]
            seen.update(grown)
            waiting.extend(reversed(grown))

    def _within(self, units: int) -> "Search":
        """Return a search that may set only these units."""
        left = sum(self._all[place] << self._offsets[place] for place in _members(units))
        space = self._space
        offered = [
            values if units >> place & 1 else 0 for place, values in enumerate(space.offered)
        ]
        confined = replace(space, offered=offered, left=space.left & left)
        return Search(self._target, confined, self._ask, self._check)

    def points(self, units: Iterable[int]) -> Iterator[tuple[int, ...]]:
        """Yield all values of a minimal set with which it works, in the order of its units.

        Each state has one point tried. If that works, what is left of the state is split into
        those that differ from the point in one unit and agree with it in those before.
        """
        members = tuple(units)
        waiting = [self._state({place: self._space.offered[place] for place in members})]
        seen = set(waiting)
        found: set[tuple[int, ...]] = set()
        while waiting:
            following: list[State] = []
            for state, failure in zip(waiting, self._failures(waiting), strict=True):
                if failure is not None:
                    grown = self._grown(state, failure)
                    following.extend(further for further in grown if further[0] == state[0])
                    continue
                point = tuple(self._tried(place, state[1]) for place in members)
                if point not in found:
                    found.add(point)
                    yield point
                following.extend(self._others(state, members, point))
            waiting = [state for state in dict.fromkeys(following) if state not in seen]
            seen.update(waiting)

    def stand(self, boxes: Sequence[Box]) -> list[bool]:
        """Tell which boxes work at each of their points, and no more without any of their units."""
        if self._asks:
            return [self._box_works(box) and self._needs_all(box) for box in boxes]
        stand: list[bool] = []
        lanes = 0
        some: list[Box] = []
        for box in boxes:
            if lanes + len(box) >= self._at_once:
                stand += self._evaluated_boxes(some)
                lanes, some = 0, []
            lanes += len(box) + 1
            some.append(box)
        return stand + self._evaluated_boxes(some)

    def _evaluated_boxes(self, boxes: Sequence[Box]) -> list[bool]:
        """Tell which boxes stand: one point of each, it without each unit, and its other points."""
        self._check()
        width, one = self._width, (1 << self._width) - 1
        set_in: dict[tuple[int, int], int] = {}
        start = whole = 0
        for box in boxes:
            here = (1 << width * (len(box) + 1)) - 1 << start
            for place, values in box.items():
                setting = (place, (values & -values).bit_length() - 1)
                set_in[setting] = set_in.get(setting, 0) | here & ~(one << start)
                start += width
            whole |= one << start
            start += width
        good, bad, _ = self._evaluated(start // width, set_in)
        if width == 1 and good == whole and not bad & whole:
            stand = [True] * len(boxes)
        else:
            stand = list(self._pieces_stand(boxes, good, bad))
        several = [
            number
            for number, box in enumerate(boxes)
            if stand[number] and any(values & (values - 1) for values in box.values())
        ]
        sure = self._surely([boxes[number] for number in several])
        for number, surely_works in zip(several, sure, strict=True):
            stand[number] = surely_works or self._each_point_works(boxes[number])
        return stand

    def _pieces_stand(self, boxes: Sequence[Box], good: int, bad: int) -> Iterator[bool]:
        """Tell of each box whether one point works and fails without any unit: those first."""
        width, one = self._width, (1 << self._width) - 1
        for box in boxes:
            stands = True
            for _ in box:
                stands = stands and (bad & one != 0 or good & one == 0)
                good, bad = good >> width, bad >> width
            yield stands and not bad & one and good & one != 0
            good, bad = good >> width, bad >> width

    def _surely(self, boxes: Sequence[Box]) -> list[bool]:
        """Tell which boxes surely work, by Kleene's logic; one that does not may work as well."""
        if not self._complete or not boxes:
            return [False] * len(boxes)
        circuit, ones = self._target.circuit, (1 << len(boxes)) - 1
        holds = [0] * len(circuit.sources)
        for source, _ in self._held:
            holds[source] = ones
        fails = [ones ^ some for some in holds]
        for lane, box in enumerate(boxes):
            here = 1 << lane
            for place, values in box.items():
                for source, held_in in circuit.held_in[place]:
                    holds[source] = holds[source] & ~here | (0 if values & ~held_in else here)
                    fails[source] = fails[source] & ~here | (0 if values & held_in else here)
        sure, _ = self._target.surely(holds, fails, ones)
        return [bool(sure >> lane & 1) for lane in range(len(boxes))]

    def _each_point_works(self, box: Box) -> bool:
        points = product(*(places(values) for values in box.values()))
        while some := list(islice(points, self._at_once)):
            self._check()
            set_in: dict[tuple[int, int], int] = {}
            here = (1 << self._width) - 1
            for point in some:
                for setting in zip(box, point, strict=True):
                    set_in[setting] = set_in.get(setting, 0) | here
                here <<= self._width
            good, bad, _ = self._evaluated(len(some), set_in)
            one = (1 << self._width) - 1
            if bad or not all(good >> lane * self._width & one for lane in range(len(some))):
                return False
        return True

    def _box_works(self, box: Box) -> bool:
        self._check()
        possible = [box.get(place, values) for place, values in enumerate(self._space.base)]
        for clash in self._target.clashes:
            if all(
                box[place] & values if place in box else not possible[place] & ~values
                for place, values in clash
            ):
                return False
        return self._ask(possible) is None

    def _needs_all(self, box: Box) -> bool:
        """Tell whether a box does not work without any one of its units."""
        point = {place: values & -values for place, values in box.items()}
        smaller = (
            {place: value for place, value in point.items() if place != left_out}
            for left_out in point
        )
        return all(failure is not None for failure in self._failures([*map(self._state, smaller)]))

    def _others(
        self, state: State, members: Sequence[int], point: Sequence[int]
    ) -> Iterator[State]:
        """Split what is left of a state when one of its points is taken out."""
        units, left = state
        for place, value in zip(members, point, strict=True):
            bit = 1 << value
            others = self._left(place, left) & ~bit
            if others:
                yield units, left & ~(bit << self._offsets[place])
            left &= ~(others << self._offsets[place])

    def _state(self, box: Box) -> State:
        return (
            sum(1 << place for place in box),
            sum(values << self._offsets[place] for place, values in box.items()),
        )

    def _failures(self, states: Sequence[State]) -> Iterator[Failure | None]:
        """Yield why each state fails, or None for one that works."""
        width, one = self._width, (1 << self._width) - 1
        for start in range(0, len(states), self._at_once):
            some = states[start : start + self._at_once]
            self._spend(len(some))
            set_in: dict[tuple[int, int], int] = {}
            here = one
            for units, left in some:
                for place in _members(units):
                    setting = (place, self._tried(place, left))
                    set_in[setting] = set_in.get(setting, 0) | here
                here <<= width
            good, bad, nodes = self._evaluated(len(some), set_in)
            for number, state in enumerate(some):
                first = number * width
                if fails := bad >> first & one:
                    yield Failure(nodes, first + (fails & -fails).bit_length() - 1)
                elif self._asks:
                    possible = self._possible(state)
                    clash = self._clash(possible)
                    yield self._ask(possible) if clash is None else Failure(clash=clash)
                elif good >> first & one:
                    yield None
                elif self._complete:
                    yield Failure(nodes, first)
                else:
                    yield Failure(clash=self._clash(self._possible(state)))

    def _spend(self, states: int) -> None:
        """Raise SolvingStoppedError if the time is over, or too many states were looked at."""
        self._check()
        self._states += states
        if self._states > (MOST_ASKED if self._asks else MOST_STATES):
            raise SolvingStoppedError

    def _evaluated(
        self, states: int, set_in: Mapping[tuple[int, int], int]
    ) -> tuple[int, int, Sequence[int]]:
        """Evaluate all completions of states at once: where domains are set to which values.

        Return the completions that are free of contradictions and have the goal, those that are
        free of contradictions and lack it, and what every node comes to.
        """
        width, target, circuit = self._width, self._target, self._target.circuit
        ones = (1 << width * states) - 1
        repeated = ones // ((1 << width) - 1)
        lanes = [0] * len(circuit.sources)
        for source, some in self._held:
            lanes[source] = some * repeated
        for (place, _), where in set_in.items():
            for source, _ in circuit.held_in[place]:
                lanes[source] &= ~where
        for (place, value), where in set_in.items():
            for source in circuit.held_by[place][value]:
                lanes[source] |= where
        nodes = target.evaluator.evaluate(lanes, ones)
        both, either = nodes[abs(target.both)], nodes[abs(target.either)]
        good = both if target.both > 0 else ones ^ both
        return good, ones ^ either if target.either > 0 else either, nodes

    def _possible(self, state: State) -> list[int]:
        """Return the values that each domain may have in a state."""
        possible = list(self._space.base)
        for place in _members(state[0]):
            possible[place] = 1 << self._tried(place, state[1])
        return possible

    def _tried(self, place: int, left: int) -> int:
        """Return the value that a state tries for a unit: the nearest that is left."""
        values = left >> self._offsets[place] & self._all[place]
        if not values & (values - 1):
            return values.bit_length() - 1
        tried = self._nearest.get((place, values))
        if tried is None:
            tried = next(value for value in self._space.nearest(place) if values >> value & 1)
            self._nearest[place, values] = tried
        return tried

    def _left(self, place: int, left: int) -> int:
        """Return the values that a unit has left."""
        return left >> self._offsets[place] & self._all[place]

    def _laid_out(self) -> Iterator[tuple[int, int]]:
        """Lay out the completions of the empty state side by side; yield the lanes of sources.

        Where there are too many, it is only the one with the first value for every open unit.
        """
        held_by, stride = self._target.circuit.held_by, 1
        lanes: dict[int, int] = {}
        for place in self._open:
            values = self._space.base[place]
            turns = list(places(values & -values if self._asks else values))
            for turn, value in enumerate(turns):
                some = striped(turn * stride, stride, len(turns) * stride, self._width)
                for source in held_by[place][value]:
                    lanes[source] = lanes.get(source, 0) | some
            stride *= len(turns)
        yield from lanes.items()

    def _clash(self, possible: Sequence[int]) -> Clash | None:
        """Return a clash that holds in all completions, or None if some are free of them."""
        for clash in self._target.clashes:
            if not any(possible[place] & ~values for place, values in clash):
                return clash
        return None

    def _grown(self, state: State, failure: Failure) -> Iterator[State]:
        """Yield the states that a failing one grows into."""
        units, left = state
        spans = self._spans
        for more, barred in self._ways(state, failure):
            remaining = left & ~barred
            for place in _members(more):
                if not remaining & spans[place]:
                    break
            else:
                yield units | more, remaining

    def _ways(self, state: State, failure: Failure) -> Iterable[Way]:
        """Return the ways in which units could keep a state from failing as it does."""
        target, nodes, lane = self._target, failure.nodes, failure.lane
        if failure.clash is None and self._complete:
            return ways_of(target.evaluator, nodes, lane, state[1], target.both)
        way = partial(self._way, state[1])
        if failure.clash is not None:
            settings = ((place, self._all[place] & ~values) for place, values in failure.clash)
            return filter(None, (way(*setting) for setting in settings))
        causes = Point(target.evaluator, nodes, lane, way, self._cost).causes(target.goal)
        found = filter(None, (way(*setting) for setting in causes))
        return [*found, *self._ruling_out(state, causes)]

    def _cost(self, place: int) -> int:
        return 1 + self._target.clashing[place] if self._open_units >> place & 1 else 1

    def _ruling_out(self, state: State, causes: Iterable[Setting]) -> Iterator[Way]:
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
            ways = [self._way(state[1], place, values) for place, values in needed]
            made = [way for way in ways if way is not None]
            if made and len(made) == len(ways):
                yield reduce(or_, (way[0] for way in made)), reduce(or_, (way[1] for way in made))

    def _way(self, left: int, place: int, values: int) -> Way | None:
        """Return the way in which a unit comes to have one of the values, if it can."""
        if not left >> self._offsets[place] & values:
            return None
        return 1 << place, (self._all[place] & ~values) << self._offsets[place]


@lru_cache(maxsize=65_536)
def _members(units: int) -> tuple[int, ...]:
    return tuple(places(units))
