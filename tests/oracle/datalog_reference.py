"""Answer queries by going through all combinations of rows, on the words of a query alone.

A query is drawn as plain data (`DrawnQuery`), from which its text is written and its answer is worked
out here, with nothing of the project: no parser, no checked tree, no order of literals.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from typing import Any

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Value:
    """A value, where a term is not a variable's name or `_`."""

    value: Any


Term = str | Value


@dataclass(frozen=True)
class DrawnAtom:
    relation: str
    terms: tuple[Term, ...]
    negated: bool = False


@dataclass(frozen=True)
class DrawnComparison:
    left: Term
    sign: str
    right: Term


@dataclass(frozen=True)
class DrawnAggregate:
    result: str
    function: str
    over: tuple[str, ...]


@dataclass(frozen=True)
class DrawnRule:
    relation: str
    head: tuple[str, ...]
    body: tuple[DrawnAtom | DrawnComparison | DrawnAggregate, ...]


@dataclass(frozen=True)
class DrawnQuery:
    """The rules of each relation follow those it uses; the last relation is asked."""

    rules: tuple[DrawnRule, ...]
    order: tuple[tuple[str, bool], ...] = ()
    limit: int | None = None


def answer(query: DrawnQuery, stored: Mapping[str, set[Row]]) -> list[Row]:
    """Return the rows of a query in their order."""
    known = {name: set(rows) for name, rows in stored.items()}
    for rule in query.rules:
        known.setdefault(rule.relation, set())
    for rule in query.rules:
        known[rule.relation] |= set(_rows(rule, known))
    head = query.rules[-1].head
    rows = sorted(known[query.rules[-1].relation])
    for name, descending in reversed(query.order):
        rows = sorted(rows, key=lambda row: row[head.index(name)], reverse=descending)
    return [tuple(map(plain, row)) for row in rows[: query.limit]]


def plain(cell: Any) -> Any:
    """Write a number as an integer if it is one, and without zeros at its end."""
    if isinstance(cell, tuple):
        return tuple(map(plain, cell))
    if not isinstance(cell, Decimal):
        return cell
    if cell == int(cell):
        return int(cell)
    return Decimal(str(cell).rstrip("0"))


def _rows(rule: DrawnRule, known: Mapping[str, set[Row]]) -> Iterator[Row]:
    found = list(_bindings(rule, known))
    aggregates = [part for part in rule.body if isinstance(part, DrawnAggregate)]
    results = {part.result for part in aggregates}
    groups = [name for name in rule.head if name not in results]
    for key in {tuple(binding[name] for name in groups) for binding in found}:
        members = [each for each in found if tuple(each[name] for name in groups) == key]
        values = dict(zip(groups, key, strict=True))
        for part in aggregates:
            tuples = {tuple(each[name] for name in part.over) for each in members}
            values[part.result] = _made(part.function, tuples)
        late = [part for part in _comparisons(rule) if {part.left, part.right} & results]
        if all(_true(part, values) for part in late):
            yield tuple(values[name] for name in rule.head)


def _made(function: str, tuples: set[Row]) -> Any:
    firsts = sorted(values[0] for values in tuples)
    if function == "count":
        return len(tuples)
    if function == "sum":
        return sum(firsts, Decimal(0))
    return {"min": firsts[0], "max": firsts[-1], "list": tuple(sorted(set(firsts)))}[function]


def _comparisons(rule: DrawnRule) -> list[DrawnComparison]:
    return [part for part in rule.body if isinstance(part, DrawnComparison)]


def _bindings(rule: DrawnRule, known: Mapping[str, set[Row]]) -> Iterator[dict[str, Any]]:
    """Give the values of the variables, for every choice of a row for each atom."""
    atoms = [part for part in rule.body if isinstance(part, DrawnAtom)]
    results = {part.result for part in rule.body if isinstance(part, DrawnAggregate)}
    early = [part for part in _comparisons(rule) if not {part.left, part.right} & results]
    chosen = [atom for atom in atoms if not atom.negated]
    for rows in product(*(sorted(known[atom.relation]) for atom in chosen)):
        values: dict[str, Any] = {}
        if not all(_agrees(a.terms, row, values) for a, row in zip(chosen, rows, strict=True)):
            continue
        for _ in early:
            for part in early:
                if part.sign == "=":
                    _equate(part.left, part.right, values)
                    _equate(part.right, part.left, values)
        if all(_true(part, values) for part in early) and not any(
            _agrees(atom.terms, row, dict(values))
            for atom in atoms
            if atom.negated
            for row in known[atom.relation]
        ):
            yield values


def _agrees(terms: Sequence[Term], row: Row, values: dict[str, Any]) -> bool:
    for term, value in zip(terms, row, strict=True):
        if term == "_":
            continue
        if isinstance(term, Value):
            if term.value != value:
                return False
        elif values.setdefault(term, value) != value:
            return False
    return True


def _equate(free: Term, other: Term, values: dict[str, Any]) -> None:
    if isinstance(free, str) and free not in values:
        if isinstance(other, Value):
            values[free] = other.value
        elif other in values:
            values[free] = values[other]


def _true(part: DrawnComparison, values: Mapping[str, Any]) -> bool:
    left, right = (
        side.value if isinstance(side, Value) else values[side] for side in (part.left, part.right)
    )
    match part.sign:
        case "=":
            return bool(left == right)
        case "!=":
            return bool(left != right)
        case "<":
            return bool(left < right)
        case "<=":
            return bool(left <= right)
        case ">":
            return bool(left > right)
        case _:
            return bool(left >= right)
