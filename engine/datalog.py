"""Datalog: a checked query as data, for whoever answers it.

A relation of a query holds a set of rows. A rule adds the rows of its head for which its body holds;
the rules of one relation are a union, and no relation rests on itself. Aggregates are taken for each
row of the head's other variables, over the distinct values of their variables; a group that the body
never gives has no row. Equal numbers are one value, however they are written.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from operator import eq, ge, gt, le, lt, ne
from typing import Any, TypeAlias

from engine.relation import ColumnType, Value

Cell: TypeAlias = Value | tuple[Value, ...]
"""What a row of an answer holds: a value, or the values that `list` gathers."""


class Operator(StrEnum):
    """A comparison of two values of one type."""

    EQUAL = "="
    UNEQUAL = "!="
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="


_HOLDS: Mapping[Operator, Callable[[Any, Any], bool]] = {
    Operator.EQUAL: eq,
    Operator.UNEQUAL: ne,
    Operator.LESS: lt,
    Operator.AT_MOST: le,
    Operator.MORE: gt,
    Operator.AT_LEAST: ge,
}


class Function(StrEnum):
    """What an aggregate makes of the distinct values of a group."""

    COUNT = "count"
    MIN = "min"
    MAX = "max"
    SUM = "sum"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of a rule: the same value wherever it occurs."""

    name: str


@dataclass(frozen=True, slots=True)
class Constant:
    """A value."""

    value: Value


@dataclass(frozen=True, slots=True)
class Anything:
    """Some value, no matter which: there is one; below a negation, there is none."""


Term: TypeAlias = Variable | Constant | Anything


@dataclass(frozen=True, slots=True)
class Atom:
    """A row of a relation, or that there is no such row."""

    relation: str
    terms: tuple[Term, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """A comparison; two sides, of which one is a variable."""

    left: Term
    operator: Operator
    right: Term


Literal: TypeAlias = Atom | Comparison


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A value made of a group.

    `over` is counted by distinct tuples; of a sum, the first variable is added once for each
    distinct tuple of all; the other functions take one variable.
    """

    result: Variable
    function: Function
    over: tuple[Variable, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule; `conditions` compare what the aggregates give, after grouping."""

    relation: str
    head: tuple[Variable, ...]
    body: tuple[Literal, ...]
    aggregates: tuple[Aggregate, ...] = ()
    conditions: tuple[Comparison, ...] = ()

    @property
    def groups(self) -> tuple[Variable, ...]:
        """The variables of the head that no aggregate gives."""
        results = {aggregate.result for aggregate in self.aggregates}
        return tuple(variable for variable in self.head if variable not in results)

    @property
    def wanted(self) -> tuple[Variable, ...]:
        """The variables whose values are wanted of the body: the groups, then what is aggregated."""
        over = (variable for aggregate in self.aggregates for variable in aggregate.over)
        return tuple(dict.fromkeys((*self.groups, *over)))


@dataclass(frozen=True, slots=True)
class ResultColumn:
    """A column of an answer; `many` says that its cells are lists of such values."""

    name: str
    type: ColumnType
    domain: str | None
    many: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """A column to sort by, counted from 0."""

    column: int
    descending: bool


@dataclass(frozen=True, slots=True)
class Query:
    """A query: what is asked is the relation of the last rules.

    The rules of one relation stand together, after those of the relations they use; every relation
    that no rule defines is the database's.
    """

    rules: tuple[Rule, ...]
    columns: tuple[ResultColumn, ...]
    order: tuple[Order, ...] = ()
    limit: int | None = None

    @property
    def asked(self) -> str:
        """The relation whose rows answer the query."""
        return self.rules[-1].relation

    def by_relation(self) -> Iterator[tuple[str, tuple[Rule, ...]]]:
        """Give the rules of each relation, after those of the relations they use."""
        for relation, rules in groupby(self.rules, key=lambda rule: rule.relation):
            yield relation, tuple(rules)

    def stored(self) -> frozenset[str]:
        """Return the relations of the database that the rules use."""
        derived = {rule.relation for rule in self.rules}
        return frozenset(atom.relation for atom in self.atoms() if atom.relation not in derived)

    def atoms(self) -> Iterator[Atom]:
        """Give the atoms of all rules."""
        for rule in self.rules:
            yield from (literal for literal in rule.body if isinstance(literal, Atom))


def variables(terms: Iterable[Term]) -> Iterator[Variable]:
    """Give the variables among some terms, in their order."""
    return (term for term in terms if isinstance(term, Variable))


def terms_of(literal: Literal) -> tuple[Term, ...]:
    """Return the terms of a literal, in their order."""
    return literal.terms if isinstance(literal, Atom) else (literal.left, literal.right)


def holds(comparison: Comparison, values: Mapping[Variable, Any]) -> bool:
    """Tell whether a comparison holds of the values of its variables."""

    def value(term: Term) -> Any:
        return term.value if isinstance(term, Constant) else values[term]  # type: ignore[index]

    return _HOLDS[comparison.operator](value(comparison.left), value(comparison.right))
