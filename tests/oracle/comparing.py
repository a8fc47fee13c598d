"""Compare the JSON form of an explanation with what brute force expects."""

import itertools
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from explanations import (
    Changes,
    Expected,
    Fact,
    Interval,
    Known,
    Points,
    Unit,
    bounds,
    forces,
    intervals_of,
)


def read_entry(facts: Mapping[str, Fact], entry: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Read the facts of a change or a reason: the units it names, each with its values.

    Raises ValueError if the entry has another form, or bounds that divide numbers alike in all.
    """
    named: dict[str, tuple[int, ...]] = {}
    for name, stated in entry.items():
        fact = facts[name]
        if fact.kind == "set":
            if set(stated) != {"add", "remove"} or not (stated["add"] or stated["remove"]):
                raise ValueError(f"{name}: {stated}")
            named |= {f"{name}.{member}": (0,) for member in stated["remove"]}
            named |= {f"{name}.{member}": (1,) for member in stated["add"]}
        elif fact.kind == "number":
            named[name] = _within(Unit(fact), stated)
        elif fact.kind == "choice":
            named[name] = tuple(sorted(map(fact.values.index, stated["one_of"])))
        elif isinstance(stated, bool):
            named[name] = (int(stated),)
        else:
            raise ValueError(f"{name}: {stated}")
    return named


def _within(unit: Unit, stated: Any) -> tuple[int, ...]:
    if not isinstance(stated, Mapping) or not stated or set(stated) - {"at_least", "at_most"}:
        raise ValueError(f"{unit.name}: {stated}")
    low, high = bounds(stated)
    places = []
    for place, interval in enumerate(intervals_of(unit)):
        if low <= interval.low and interval.high <= high:
            places.append(place)
        elif interval.high >= low and interval.low <= high:
            raise ValueError(f"{unit.name}: {stated} divides {interval}")
    if not places:
        raise ValueError(f"{unit.name}: {stated} holds no number")
    return tuple(places)


def differences(
    form: Mapping[str, Any],
    expected: Expected,
    points: Points,
    known: Known,
    pool: Collection[str],
) -> list[str]:
    """Say in what the JSON form of an explanation differs from what is expected."""
    found = [
        f"{key}: {form[key]!r}, expected {wanted!r}"
        for key, wanted in (
            ("outcome", expected.outcome),
            ("reached", expected.reached),
            ("complete", True),
        )
        if form[key] != wanted
    ]
    for key, changes in (("changes", expected.changes), ("approve_if", expected.approve_if)):
        found += _different_changes(key, form[key], changes, points)
    named: list[frozenset[str]] = []
    for reason in form["reasons"]:
        try:
            entry = read_entry(points.facts, reason["facts"])
        except (KeyError, TypeError, ValueError) as error:
            found.append(f"reasons: {reason['facts']}: {error!r}")
            continue
        named.append(frozenset(entry))
        if any(not set(known[name]) <= set(places) for name, places in entry.items()):
            found.append(f"reasons: {reason['facts']} is not so")
        elif not forces(points, known, pool, entry, expected.outcome):
            found.append(f"reasons: {reason['facts']} does not force {expected.outcome}")
    if len(set(named)) < len(named):
        found.append("reasons: a set of units twice")
    found += _different_sets("reasons", set(named), set(expected.reasons))
    return found


def differences_within(
    form: Mapping[str, Any], expected: Expected, points: Points, pool: Collection[str]
) -> list[str]:
    """Say in what an explanation without `only` differs, as far as it names units of the pool.

    A set of units is minimal or not whatever the pool is, so those in it are to be the same.
    """
    found: list[str] = []
    for key, changes in (("changes", expected.changes), ("approve_if", expected.approve_if)):
        entries = [entry for entry in form[key] if _named(entry["facts"]) <= set(pool)]
        found += _different_changes(key, entries, changes, points)
    return found


def _named(entry: Mapping[str, Any]) -> set[str]:
    """List the units that an entry names."""
    return {
        f"{name}.{member}" if member else name
        for name, stated in entry.items()
        for member in (
            [*stated["add"], *stated["remove"]]
            if isinstance(stated, Mapping) and "add" in stated
            else [""]
        )
    }


def _different_changes(
    key: str, entries: Iterable[Mapping[str, Any]], expected: Changes, points: Points
) -> list[str]:
    found: list[str] = []
    values: dict[frozenset[str], set[tuple[int, ...]]] = {}
    for entry in entries:
        try:
            named = read_entry(points.facts, entry["facts"])
        except (KeyError, TypeError, ValueError) as error:
            found.append(f"{key}: {entry['facts']}: {error!r}")
            continue
        box = itertools.product(*(named[name] for name in sorted(named)))
        values.setdefault(frozenset(named), set()).update(box)
    found += _different_sets(key, set(values), set(expected))
    found += (
        f"{key}: {sorted(units)}: values {sorted(values[units])}, expected {sorted(expected[units])}"
        for units in values.keys() & expected.keys()
        if not _same_values(values[units], expected[units], sorted(units), points)
    )
    return found


def _same_values(
    found: Collection[tuple[int, ...]],
    expected: frozenset[tuple[int, ...]],
    names: Sequence[str],
    points: Points,
) -> bool:
    """Tell whether the values are those expected, but for neighbours that make no difference.

    Where a case bounds a number that cannot be altered, the values that are left are intervals too,
    and those of a policy may be wider than ours: it need not ask every threshold there is.
    """
    if expected == found:
        return True
    kinds = [_alike(points, name) for name in names]

    def kinds_of(values: Iterable[tuple[int, ...]]) -> set[tuple[int, ...]]:
        return {
            tuple(kind[place] for kind, place in zip(kinds, places, strict=True))
            for places in values
        }

    return expected <= set(found) and kinds_of(found) == kinds_of(expected)


def _alike(points: Points, name: str) -> dict[int, int]:
    """Number the values of a unit, neighbouring intervals alike if no verdict differs."""
    axis = points.axes[name]
    if not all(
        isinstance(value, Interval) for value in points.facts[name.partition(".")[0]].values
    ):
        return dict(zip(axis, axis, strict=True))
    names = list(points.axes)
    inner = math.prod(len(points.axes[later]) for later in names[names.index(name) + 1 :])
    block = inner * len(axis)
    slices = [
        [
            points.verdicts[start : start + inner]
            for start in range(position * inner, len(points.verdicts), block)
        ]
        for position in range(len(axis))
    ]
    kinds = {axis[0]: 0}
    for (place, one), (after, other) in itertools.pairwise(zip(axis, slices, strict=True)):
        kinds[after] = kinds[place] + (one != other)
    return kinds


def _different_sets(
    key: str, found: set[frozenset[str]], expected: set[frozenset[str]]
) -> list[str]:
    return [
        *(f"{key}: {units} is missing" for units in sorted(map(sorted, expected - found))),
        *(f"{key}: {units} is none" for units in sorted(map(sorted, found - expected))),
    ]
