"""Explain a case by brute force: every set of units, every value, every completion.

A second derivation of what docs/semantics.md calls changes, reasons and `approve_if`, from their
definitions alone. A case is laid out as points, one for each way to give its units a value, and a
plain function decides each point. What works is then read off the points; nothing is searched for
cleverly, and nothing is left out.
"""

import itertools
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import Any, TypeAlias

Number: TypeAlias = int | Decimal


@dataclass(frozen=True, slots=True)
class Interval:
    """Hold the numbers between two ends, both included, that no rule tells apart."""

    low: Number
    high: Number


Value: TypeAlias = bool | str | Interval
Known: TypeAlias = Mapping[str, tuple[int, ...]]
"""What a case leaves possible: for each unit, the places of its values in `Unit.values`."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Describe a fact: its kind, and its abstract values or, of a set, its members."""

    name: str
    kind: str
    changer: str
    values: tuple[Value, ...] = (False, True)


@dataclass(frozen=True, slots=True)
class Unit:
    """Hold what one question can settle: a fact, or one member of a set."""

    fact: Fact
    member: str | None = None

    @property
    def name(self) -> str:
        """Name the unit as `only` does."""
        return self.fact.name if self.member is None else f"{self.fact.name}.{self.member}"

    @property
    def values(self) -> tuple[Value, ...]:
        """List the abstract values; of a member, that it is out and that it is in."""
        return self.fact.values if self.member is None else (False, True)


def units_of(fact: Fact) -> tuple[Unit, ...]:
    """List the units of a fact."""
    if fact.kind == "set":
        return tuple(Unit(fact, str(member)) for member in fact.values)
    return (Unit(fact),)


def every(unit: Unit) -> tuple[int, ...]:
    """List the places of all values of a unit."""
    return tuple(range(len(unit.values)))


# --- Reading cases --------------------------------------------------------------------------


def read_case(facts: Iterable[Fact], case: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Read what a case in the JSON form leaves possible, unit by unit."""
    known: dict[str, tuple[int, ...]] = {}
    for fact in facts:
        stated = case.get(fact.name)
        for unit in units_of(fact):
            known[unit.name] = every(unit) if stated is None else _possible(unit, stated)
    return known


def _possible(unit: Unit, stated: Any) -> tuple[int, ...]:
    if unit.member is not None:
        if not isinstance(stated, Mapping):
            return (int(unit.member in stated),)
        if unit.member in (stated.get("includes") or ()):
            return (1,)
        return (0,) if unit.member in (stated.get("excludes") or ()) else (0, 1)
    if unit.fact.kind == "number":
        low, high = bounds(stated)
        return tuple(
            place
            for place, interval in enumerate(intervals_of(unit))
            if interval.high >= low and interval.low <= high
        )
    if isinstance(stated, Mapping):
        listed = stated.get("one_of")
        return every(unit) if listed is None else tuple(sorted(map(unit.values.index, set(listed))))
    return (unit.values.index(stated),)


def bounds(stated: Any) -> tuple[Decimal, Decimal]:
    """Read a number or its bounds; an end that is not given is infinite."""
    if not isinstance(stated, Mapping):
        exact = Decimal(str(stated))
        return exact, exact
    low, high = stated.get("at_least"), stated.get("at_most")
    return (
        Decimal("-Infinity") if low is None else Decimal(str(low)),
        Decimal("Infinity") if high is None else Decimal(str(high)),
    )


def intervals_of(unit: Unit) -> Iterator[Interval]:
    """List the intervals of a number."""
    for value in unit.values:
        assert isinstance(value, Interval)
        yield value


# --- Answers to points ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Verdict:
    """Hold what a policy says to one complete case: the outcome, and the values of its parts."""

    outcome: str
    months: frozenset[str] = frozenset()
    basis: frozenset[str] = frozenset()
    refer_to: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Hold what is asked for: an outcome, and if need be a part that has exactly one value."""

    outcome: str
    part: str = ""
    value: str = ""

    def given_by(self, verdict: Verdict) -> bool:
        """Tell whether a verdict is what is asked for."""
        if verdict.outcome != self.outcome:
            return False
        return not self.part or getattr(verdict, self.part) == {self.value}


APPROVAL = Wanted("approve")

Decide: TypeAlias = Callable[[Mapping[str, Any]], Verdict | None]
"""Decide a complete case; None if it breaks a contradiction. A number is the least alike."""


@dataclass(frozen=True, slots=True)
class Points:
    """Hold the verdict on every point: every way to take a value from each axis.

    `verdicts` are in the order of `itertools.product` over the axes.
    """

    facts: Mapping[str, Fact]
    axes: Mapping[str, tuple[int, ...]]
    verdicts: Sequence[Verdict | None]


def lay_out(facts: Iterable[Fact], axes: Mapping[str, tuple[int, ...]], decide: Decide) -> Points:
    """Decide every point; `axes` say for each unit which of its values to try."""
    facts = tuple(facts)
    settled: dict[str, Any] = {}
    varied: dict[str, list[Any]] = {}
    ordered: dict[str, tuple[int, ...]] = {}
    for fact in facts:
        units = units_of(fact)
        ordered |= {unit.name: axes[unit.name] for unit in units if len(axes[unit.name]) > 1}
        states = [
            concrete(fact, places)
            for places in itertools.product(*(axes[unit.name] for unit in units))
        ]
        if len(states) == 1:
            settled[fact.name] = states[0]
        else:
            varied[fact.name] = states
    point = dict(settled)
    verdicts = []
    for states in itertools.product(*varied.values()):  # type: ignore[assignment]
        point.update(zip(varied, states, strict=True))
        verdicts.append(decide(point))
    return Points({fact.name: fact for fact in facts}, ordered, verdicts)


def concrete(fact: Fact, places: Sequence[int]) -> Any:
    """Give a fact the value that its units have together."""
    if fact.kind == "set":
        return frozenset(itertools.compress(map(str, fact.values), places))
    value = fact.values[places[0]]
    return value.low if isinstance(value, Interval) else value


# --- What works -----------------------------------------------------------------------------

Changes: TypeAlias = dict[frozenset[str], frozenset[tuple[int, ...]]]
"""For each minimal set of units the values that work, in the order of the units' names."""


@dataclass(frozen=True, slots=True)
class Expected:
    """Hold what an explanation has to say of a case."""

    outcome: str
    reached: bool
    changes: Changes
    approve_if: Changes
    reasons: frozenset[frozenset[str]]


_AS_WANTED, _OTHERWISE = 1, 2
_BITS = {"approve": 1, "refer": 2, "deny": 4}
_OUTCOMES = {bit: outcome for outcome, bit in _BITS.items()}


def explain(
    points: Points,
    known: Known,
    pool: Collection[str],
    want: Wanted = APPROVAL,
    *,
    include_fixed: bool = False,
) -> Expected:
    """Explain a case, from points whose axes hold all values of the units in the pool."""
    outcomes = _outcomes(points)
    as_it_is = {name: [known[name]] for name in points.axes}
    outcome = _OUTCOMES.get(_fold(points, outcomes, as_it_is)[0], "pend")
    alterable = _alterable(points, known, pool, include_fixed=include_fixed)
    changes = _changes(points, known, alterable, want)
    reached = frozenset() in changes
    answers: Changes = {}
    if outcome != "approve":
        open_units = {name: known[name] for name in pool if len(known[name]) > 1}
        answers = _changes(points, known, open_units, APPROVAL)
    return Expected(
        outcome,
        reached,
        {} if reached else changes,
        answers,
        _reasons(points, known, pool, _BITS[outcome]) if outcome in _BITS else frozenset(),
    )


def _outcomes(points: Points) -> list[int]:
    return [0 if verdict is None else _BITS[verdict.outcome] for verdict in points.verdicts]


def _marks(points: Points, want: Wanted) -> list[int]:
    return [
        0 if verdict is None else _AS_WANTED if want.given_by(verdict) else _OTHERWISE
        for verdict in points.verdicts
    ]


def _alterable(
    points: Points, known: Known, pool: Collection[str], *, include_fixed: bool
) -> dict[str, tuple[int, ...]]:
    """Give the values that a change may put each unit of the pool to."""
    alterable = {}
    for fact in points.facts.values():
        for unit in units_of(fact):
            if unit.name not in pool:
                continue
            if include_fixed or fact.changer != "fixed":
                alterable[unit.name] = every(unit)
            elif len(known[unit.name]) > 1:
                alterable[unit.name] = known[unit.name]
    return alterable


def _changes(
    points: Points, known: Known, alterable: Mapping[str, tuple[int, ...]], want: Wanted
) -> Changes:
    """Find the minimal sets of units that work for some values, with all values that do."""
    # Every alterable unit is put to one of its values or, the last group, left as the case has it.
    groups = {
        name: [*([place] for place in alterable.get(name, ())), known[name]] for name in points.axes
    }
    working: dict[frozenset[str], set[tuple[int, ...]]] = {}
    for chosen in _choices(_fold(points, _marks(points, want), groups), groups, _AS_WANTED):
        put = {
            name: groups[name][group][0]
            for name, group in sorted(chosen.items())
            if group < len(groups[name]) - 1
        }
        working.setdefault(frozenset(put), set()).add(tuple(put.values()))
    return {units: frozenset(working[units]) for units in _minimal(working)}


def _reasons(
    points: Points, known: Known, pool: Collection[str], outcome: int
) -> frozenset[frozenset[str]]:
    """Find the minimal sets of known units that force the outcome."""
    groups: dict[str, list[Sequence[int]]] = {}
    for name, axis in points.axes.items():
        if name not in pool or known[name] == axis:
            groups[name] = [known[name]]
        else:
            groups[name] = [known[name], axis]
    forcing = {
        frozenset(name for name, group in chosen.items() if len(groups[name]) == 2 and group == 0)
        for chosen in _choices(_fold(points, _outcomes(points), groups), groups, outcome)
    }
    return frozenset(_minimal(forcing))


def reached(points: Points, known: Known, want: Wanted) -> bool:
    """Tell whether a case has what is wanted as it is."""
    as_it_is = {name: [known[name]] for name in points.axes}
    return _fold(points, _marks(points, want), as_it_is) == [_AS_WANTED]


def forces(points: Points, known: Known, pool: Collection[str], entry: Known, outcome: str) -> bool:
    """Tell whether an entry alone, with what is given outside the pool, forces an outcome."""
    groups = {
        name: [entry.get(name, axis if name in pool else known[name])]
        for name, axis in points.axes.items()
    }
    return _fold(points, _outcomes(points), groups) == [_BITS.get(outcome)]


def _fold(
    points: Points, marks: Sequence[int], groups: Mapping[str, Sequence[Sequence[int]]]
) -> list[int]:
    """Join the marks of the points that differ only within a group of values.

    The groups of an axis take the place of its values. A group stands for all its values at once,
    so that its marks are the bits of all of them together.
    """
    folded = list(marks)
    sizes = {name: len(axis) for name, axis in points.axes.items()}
    # First the axes that shrink most.
    for name in sorted(sizes, key=lambda name: len(groups[name]) / len(points.axes[name])):
        inner = math.prod(itertools.islice(sizes.values(), list(sizes).index(name) + 1, None))
        block, positions = inner * sizes[name], points.axes[name]
        starts = [[positions.index(place) * inner for place in group] for group in groups[name]]
        joined: list[int] = []
        for start in range(0, len(folded), block):
            for group in starts:
                rows = (folded[start + row : start + row + inner] for row in group)
                joined += reduce(lambda one, other: list(map(or_, one, other)), rows)
        folded, sizes[name] = joined, len(groups[name])
    return folded


def _choices(
    folded: Sequence[int], groups: Mapping[str, Sequence[object]], mark: int
) -> Iterator[dict[str, int]]:
    """Give the group chosen on each axis, wherever the folded marks are the one given."""
    sizes = [len(of_axis) for of_axis in groups.values()]
    for place, found in enumerate(folded):
        if found != mark:
            continue
        chosen, rest = [], place
        for size in reversed(sizes):
            rest, group = divmod(rest, size)
            chosen.append(group)
        yield dict(zip(groups, reversed(chosen), strict=True))


def _minimal(sets: Iterable[frozenset[str]]) -> list[frozenset[str]]:
    """Keep the sets that hold no other of them."""
    kept: list[frozenset[str]] = []
    for units in sorted(sets, key=len):
        if not any(smaller <= units for smaller in kept):
            kept.append(units)
    return kept
