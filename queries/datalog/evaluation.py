"""Evaluation with pyDatalog: the one module that imports it.

pyDatalog gets terms and clauses that are built here, never text, and names that are made here, never
those of a query. Rows come from resolvers over the tables of a plan, by index: asserting them would
take longer than most queries. It joins, negates, compares and follows the rules of relations without
aggregates; aggregates are taken outside, on the rows that it derives.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import count
from typing import Any

from pyDatalog.Logic import Logic  # type: ignore[import-untyped]  # it has no types
from pyDatalog.pyEngine import (  # type: ignore[import-untyped]  # likewise
    Clause,
    Const,
    Python_resolvers,
    Var,
    assert_,
)
from pyDatalog.pyEngine import Literal as Goal
from pyDatalog.pyParser import Term as Predicate  # type: ignore[import-untyped]  # likewise

from engine.datalog import Anything, Atom, Cell, Constant, Literal, Operator, Query, Rule, Term
from engine.relation import Database, Row
from queries.datalog.aggregation import aggregated
from queries.datalog.planning import rows_of

_ALWAYS = Const(0)
"""The one term of a predicate that would have none: pyDatalog answers those otherwise."""


def evaluate(query: Query, tables: Mapping[str, Collection[Row]]) -> frozenset[tuple[Cell, ...]]:
    """Derive the rows of a query over some tables; the literals are taken in their order.

    Whatever pyDatalog knew in this thread is forgotten.
    """
    return _Evaluation(tables).derive(query)


class _Evaluation:
    """One query in pyDatalog: the names that stand there for its relations."""

    def __init__(self, tables: Mapping[str, Collection[Row]]) -> None:
        Logic()
        Python_resolvers.clear()
        self._rows: dict[str, Collection[Any]] = dict(tables)
        self._names: dict[str, str] = {}
        self._bodies = count()

    def derive(self, query: Query) -> frozenset[tuple[Cell, ...]]:
        for relation, rules in query.by_relation():
            if relation == query.asked or any(rule.aggregates for rule in rules):
                self._rows[relation] = frozenset(row for rule in rules for row in self._found(rule))
            else:
                for rule in rules:
                    self._assert(self._name(relation, len(rule.head)), rule.head, rule.body)
        return frozenset(self._rows[query.asked])

    def _found(self, rule: Rule) -> Iterable[tuple[Cell, ...]]:
        """Derive the rows of one rule."""
        wanted = rule.wanted
        name = f"body{next(self._bodies)}"
        self._assert(name, wanted, rule.body)
        goal = Goal(name, [Var(f"X{position}") for position in range(len(wanted))] or [_ALWAYS])
        found = goal.ask()
        rows = found if wanted else [()] if found else []
        return aggregated(rule, rows) if rule.aggregates else rows

    def _assert(self, name: str, head: Iterable[Term], body: Iterable[Literal]) -> None:
        anything = count()
        terms = list(_terms(head, anything)) or [_ALWAYS]
        assert_(Clause(Goal(name, terms), [self._goal(literal, anything) for literal in body]))

    def _goal(self, literal: Literal, anything: Iterator[int]) -> Goal:
        if isinstance(literal, Atom):
            name = self._name(literal.relation, len(literal.terms))
            terms = list(_terms(literal.terms, anything))
            return Goal(f"~{name}" if literal.negated else name, terms)
        operator = "==" if literal.operator is Operator.EQUAL else literal.operator.value
        return Goal(operator, list(_terms((literal.left, literal.right), anything)))

    def _name(self, relation: str, arity: int) -> str:
        """Name a relation for pyDatalog, which looks its rows up if they are known."""
        name = self._names.setdefault(relation, f"relation{len(self._names)}")
        if relation in self._rows:
            Python_resolvers.setdefault(f"{name}/{arity}", _lookup(self._rows[relation]))
        return name


def _terms(terms: Iterable[Term], anything: Iterator[int]) -> Iterator[Any]:
    for term in terms:
        match term:
            case Constant(value):
                yield Const(value)
            case Anything():
                yield Var(f"_{next(anything)}")
            case _:
                yield Var(term.name)


def _lookup(rows: Collection[Row]) -> Callable[..., Iterable[Row]]:
    """Find rows by the terms that are bound, with an index for each choice of them."""
    indexes: dict[tuple[int, ...], dict[Row, list[Row]]] = {}

    def look_up(*terms: Any) -> Iterable[Row]:
        bound = tuple(position for position, term in enumerate(terms) if term.is_const())
        if not bound:
            return rows
        if bound not in indexes:
            index = indexes[bound] = {}
            for row in rows:
                index.setdefault(tuple(row[position] for position in bound), []).append(row)
        return indexes[bound].get(tuple(terms[position].id for position in bound), ())

    return look_up


def load_terms(database: Database, *names: str) -> tuple[Any, ...]:
    """Let pyDatalog look up stored relations, and return its predicates for them, in this order.

    What pyDatalog is told besides, such as rules, belongs to the thread that tells it; the relations
    are there for every thread of the process, until others of the same name are loaded.
    """
    Logic(True)  # noqa: FBT003  # pyDatalog's way to begin in a thread
    for name in names:
        arity = len(database.relations[name].columns)
        Python_resolvers[f"{name}/{arity}"] = _lookup(rows_of(database, name))
    return tuple(map(Predicate, names))
