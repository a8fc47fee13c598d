"""The syntax of queries: what was written, and where, before anything of it is checked."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from engine.datalog import Function, Operator
from facts.errors import QueryProblem

LONGEST_EXCERPT = 120
"""Characters of a line that a message shows."""


@dataclass(frozen=True, slots=True)
class Source:
    """A text of queries or rules, by the name it has in messages."""

    name: str
    text: str

    def problem(self, place: "Place", message: str) -> QueryProblem:
        """Say what is wrong at a place, and show it."""
        before = self.text[: place.start]
        line_start = before.rfind("\n") + 1
        line = self.text[line_start:].partition("\n")[0].rstrip("\r")
        column = place.start - line_start
        length = max(1, min(place.end, line_start + len(line)) - place.start)
        skipped = max(0, column - LONGEST_EXCERPT // 2)
        shown = "".join(c if c.isprintable() else " " for c in line[skipped:][:LONGEST_EXCERPT])
        marks = " " * (column - skipped) + "^" * min(length, LONGEST_EXCERPT - column + skipped)
        return QueryProblem(
            self.name, before.count("\n") + 1, column + 1, message, f"    {shown}\n    {marks}"
        )


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in its source, as positions of characters."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Named:
    """A variable, or the anonymous one, `_`."""

    name: str
    place: Place


@dataclass(frozen=True, slots=True)
class Given:
    """A value: a word or quoted text, or a number."""

    value: str | Decimal
    place: Place


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value that the caller gives, `$name`."""

    name: str
    place: Place


Written: TypeAlias = Named | Given | Parameter


@dataclass(frozen=True, slots=True)
class WrittenAtom:
    """An atom; `place` is that of the relation's name."""

    relation: str
    terms: tuple[Written, ...]
    negated: bool
    place: Place


@dataclass(frozen=True, slots=True)
class WrittenComparison:
    """A comparison; `place` is that of the operator."""

    left: Written
    operator: Operator
    right: Written
    place: Place


@dataclass(frozen=True, slots=True)
class WrittenAggregate:
    """An aggregate; `place` is that of the function's name."""

    result: Named
    function: Function
    over: tuple[Named, ...]
    place: Place


WrittenLiteral: TypeAlias = WrittenAtom | WrittenComparison | WrittenAggregate


@dataclass(frozen=True, slots=True)
class WrittenRule:
    """A rule or, without a relation, a query that names its body alone."""

    relation: str | None
    head: tuple[Named, ...]
    body: tuple[WrittenLiteral, ...]
    place: Place
    source: Source

    def atoms(self) -> Iterator[WrittenAtom]:
        """Give the atoms of the body."""
        return (literal for literal in self.body if isinstance(literal, WrittenAtom))

    def comparisons(self) -> Iterator[WrittenComparison]:
        """Give the comparisons of the body."""
        return (literal for literal in self.body if isinstance(literal, WrittenComparison))

    def aggregates(self) -> Iterator[WrittenAggregate]:
        """Give the aggregates of the body."""
        return (literal for literal in self.body if isinstance(literal, WrittenAggregate))


@dataclass(frozen=True, slots=True)
class WrittenOrder:
    """A variable of the result to sort by."""

    variable: Named
    descending: bool


@dataclass(frozen=True, slots=True)
class WrittenQuery:
    """Rules, the last of which says what is asked, and how its answer is sorted and cut."""

    rules: tuple[WrittenRule, ...]
    order: tuple[WrittenOrder, ...]
    limit: int | None


def named(terms: Iterable[Written]) -> Iterator[Named]:
    """Give the variables among some terms, without the anonymous one."""
    return (term for term in terms if isinstance(term, Named) and term.name != "_")


def terms_of(literal: WrittenLiteral) -> tuple[Written, ...]:
    """Return the terms of a literal; of an aggregate, its result before what it aggregates."""
    match literal:
        case WrittenAtom():
            return literal.terms
        case WrittenComparison():
            return (literal.left, literal.right)
        case WrittenAggregate():
            return (literal.result, *literal.over)
