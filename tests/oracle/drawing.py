"""Draw requests for explanations: cases near a wanted answer, spoiled and partly forgotten.

Drawing works on units, whatever the vocabulary.
"""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from explanations import (
    Fact,
    Interval,
    Known,
    Number,
    Points,
    Unit,
    Verdict,
    Wanted,
    every,
    reached,
    read_case,
    units_of,
)

# --- Stating what is known ------------------------------------------------------------------


def stated(rng: random.Random, facts: Iterable[Fact], known: Known) -> dict[str, Any]:
    """State what is known as the facts of a case in the JSON form, in one of the ways there are.

    The values of a number that are possible are neighbours.
    """
    case: dict[str, Any] = {}
    for fact in facts:
        units = units_of(fact)
        if all(known[unit.name] == every(unit) for unit in units):
            if rng.random() < 0.2:
                case[fact.name] = None
        elif fact.kind == "set":
            case[fact.name] = _stated_set(rng, units, known)
        elif fact.kind == "number":
            case[fact.name] = _stated_number(rng, fact, known[fact.name])
        else:
            values = [fact.values[place] for place in known[fact.name]]
            case[fact.name] = values[0] if len(values) == 1 else {"one_of": values}
    return case


def _stated_set(rng: random.Random, units: Sequence[Unit], known: Known) -> Any:
    includes = [unit.member for unit in units if known[unit.name] == (1,)]
    excludes = [unit.member for unit in units if known[unit.name] == (0,)]
    if len(includes) + len(excludes) == len(units) and rng.random() < 0.8:
        return includes
    form = {"includes": includes, "excludes": excludes}
    return {key: members for key, members in form.items() if members}


def _stated_number(rng: random.Random, fact: Fact, places: Sequence[int]) -> Any:
    """State a number, or bounds with their ends anywhere in the first and last interval."""
    first, last = fact.values[places[0]], fact.values[places[-1]]
    assert isinstance(first, Interval)
    assert isinstance(last, Interval)
    low, high = _number_in(rng, first), _number_in(rng, last)
    if first == last and rng.random() < 0.8:
        return _json_number(low)
    low, high = sorted((low, high))
    bounds = {"at_least": _json_number(low), "at_most": _json_number(high)}
    # What needs no bound may do without one.
    if places[0] == 0 and rng.random() < 0.7:
        del bounds["at_least"]
    elif places[-1] == len(fact.values) - 1 and rng.random() < 0.7:
        del bounds["at_most"]
    return bounds


def _number_in(rng: random.Random, interval: Interval) -> Number:
    step: Number = Decimal("0.1") if isinstance(interval.low, Decimal) else 1
    steps = int((interval.high - interval.low) / step)
    return interval.low + step * rng.choice((0, steps, rng.randint(0, steps)))


def _json_number(value: Number) -> int | float:
    return int(value) if value == int(value) else float(value)


def forgotten(rng: random.Random, unit: Unit, place: int) -> tuple[int, ...]:
    """Leave possible, beside the value at a place, all values of a unit or some."""
    count = len(unit.values)
    if count == 2 or rng.random() < 0.5:
        return every(unit)
    if unit.fact.kind == "number":
        return tuple(range(rng.randint(0, place), rng.randint(place, count - 1) + 1))
    others = [other for other in range(count) if other != place]
    return tuple(sorted([place, *rng.sample(others, rng.randint(1, len(others)))]))


def another(rng: random.Random, unit: Unit, place: int) -> int:
    """Give the place of another value of a unit."""
    return rng.choice([other for other in every(unit) if other != place])


@dataclass(frozen=True, slots=True)
class Request:
    """Hold a case and what is asked about it; without `only`, about all units."""

    policy: str
    version: str
    facts: Mapping[str, Any]
    readings: Mapping[str, str]
    want: Wanted
    include_fixed: bool
    only: tuple[str, ...] | None

    def pool(self, facts: Iterable[Fact]) -> frozenset[str]:
        """List the units that a change or a reason may name."""
        return frozenset(
            unit.name
            for fact in facts
            for unit in units_of(fact)
            if self.only is None or unit.name in self.only or fact.name in self.only
        )


_PARTS = {"approve": "months", "refer": "refer_to", "deny": "basis"}


def random_want(
    rng: random.Random, verdict: Verdict, others: Mapping[str, Sequence[str]]
) -> Wanted:
    """Draw a want that mostly a verdict gives; `others` are further values of the parts."""
    outcome = verdict.outcome if rng.random() < 0.9 else rng.choice(sorted(_PARTS))
    if rng.random() < 0.7:
        return Wanted(outcome)
    if outcome == "approve" and rng.random() < 0.1:
        return Wanted(outcome, "basis", "medically_necessary")
    part = _PARTS[outcome]
    values: frozenset[str] = frozenset()
    if outcome == verdict.outcome and rng.random() < 0.7:
        values = getattr(verdict, part)
    return Wanted(outcome, part, rng.choice(sorted(values) or others[part]))


def random_spoils(rng: random.Random, units: Sequence[Unit], *, include_fixed: bool) -> list[Unit]:
    """Draw what to change: mostly what a request can change back."""
    changeable = [unit for unit in units if unit.fact.changer != "fixed"]
    if include_fixed or rng.random() < 0.2 or not changeable:
        changeable = list(units)
    return rng.sample(changeable, min(len(changeable), rng.choice((0, 1, 1, 1, 2, 2, 3, 4))))


# --- Synthetic policies ---------------------------------------------------------------------


def random_question(
    rng: random.Random, points: Points, policy: str, version: str, readings: Mapping[str, str]
) -> Request:
    """Draw a request about a policy all of whose points are laid out."""
    while True:
        request = _question(rng, points, policy, version, readings)
        known = read_case(points.facts.values(), request.facts)
        # There is less to explain where what is wanted is so already.
        if rng.random() < 0.2 or not reached(points, known, request.want):
            return request


def _question(
    rng: random.Random, points: Points, policy: str, version: str, readings: Mapping[str, str]
) -> Request:
    units = {unit.name: unit for fact in points.facts.values() for unit in units_of(fact)}
    case, verdict = _random_point(rng, points)
    want = random_want(
        rng,
        verdict,
        {
            "months": ("6", "12", "3"),
            "refer_to": ("X-1", "X-2"),
            "basis": ("not_medically_necessary", "investigational"),
        },
    )
    include_fixed = rng.random() < 0.35
    for unit in random_spoils(rng, list(units.values()), include_fixed=include_fixed):
        case[unit.name] = another(rng, unit, case[unit.name])
    known: dict[str, tuple[int, ...]] = {name: (place,) for name, place in case.items()}
    if rng.random() < 0.7:
        most = len(units) if rng.random() < 0.1 else 5
        for name in rng.sample(sorted(units), rng.randint(1, min(len(units), most))):
            known[name] = forgotten(rng, units[name], case[name])
    only = None
    if rng.random() < 0.25:
        named = sorted({*units, *points.facts} - {"requested_months"})
        only = tuple(sorted(rng.sample(named, rng.randint(1, len(named)))))
    facts = stated(rng, points.facts.values(), known)
    return Request(policy, version, facts, readings, want, include_fixed, only)


def _random_point(rng: random.Random, points: Points) -> tuple[dict[str, int], Verdict]:
    """Draw a point without contradiction, mostly an approved one if there are any."""
    places = [place for place, verdict in enumerate(points.verdicts) if verdict]
    target = rng.choice(("approve",) * 6 + ("refer", "deny"))
    aimed = [
        place
        for place in places
        if (verdict := points.verdicts[place]) and verdict.outcome == target
    ]
    drawn = rng.choice(aimed or places)
    verdict = points.verdicts[drawn]
    assert verdict is not None
    case: dict[str, int] = {}
    rest = drawn
    for name, axis in reversed(list(points.axes.items())):
        rest, position = divmod(rest, len(axis))
        case[name] = axis[position]
    return case, verdict
