"""Aggregates: what a rule makes of the rows of its body, group by group."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Context, Decimal, Inexact

from engine.datalog import Aggregate, Cell, Function, Rule, Variable, holds
from engine.relation import Row, Value

_EXACT = Context(prec=1_000, traps=[Inexact])
"""Decimal numbers are added without rounding; a sum that would be rounded is an error."""


def aggregated(rule: Rule, rows: Iterable[Row]) -> Iterator[tuple[Cell, ...]]:
    """Give the rows of a rule with aggregates; `rows` hold what it wants of its body."""
    positions = {variable: position for position, variable in enumerate(rule.wanted)}
    groups: dict[Row, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row[: len(rule.groups)]].append(row)
    for group, members in groups.items():
        values: dict[Variable, Cell] = dict(zip(rule.groups, group, strict=True))
        for aggregate in rule.aggregates:
            values[aggregate.result] = _value(aggregate, members, positions)
        if all(holds(condition, values) for condition in rule.conditions):
            yield tuple(values[variable] for variable in rule.head)


def _value(aggregate: Aggregate, rows: Sequence[Row], positions: Mapping[Variable, int]) -> Cell:
    """Take an aggregate over the distinct tuples of its variables."""
    over = [positions[variable] for variable in aggregate.over]
    tuples = {tuple(row[position] for position in over) for row in rows}
    match aggregate.function:
        case Function.COUNT:
            return len(tuples)
        case Function.SUM:
            return exact_sum(first for first, *_ in tuples)
        case Function.MIN:
            return min(tuples)[0]
        case Function.MAX:
            return max(tuples)[0]
        case Function.LIST:
            return tuple(sorted(first for (first,) in tuples))


def exact_sum(values: Iterable[Value]) -> Value:
    """Add numbers without rounding. Raises decimal.Inexact beyond a thousand digits."""
    total = Decimal(0)
    for value in values:
        total = _EXACT.add(total, Decimal(value))
    return shortest(total)


def shortest(number: Decimal) -> Value:
    """Write a number in its one shortest way: whole as an integer, others without trailing zeros."""
    return int(number) if number == number.to_integral_value() else _EXACT.normalize(number)
