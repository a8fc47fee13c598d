"""Plans: a query made small and put in order before it is evaluated.

What a database stores is filtered by the constants of each atom, and reduced to the columns that
matter, so that only this travels and is joined. The literals of a rule are ordered so that each
joins with what is bound before it, the fewest rows first.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from math import inf
from operator import itemgetter

from engine.datalog import (
    Anything,
    Atom,
    Comparison,
    Constant,
    Literal,
    Operator,
    Query,
    Rule,
    Term,
    Variable,
    terms_of,
    variables,
)
from engine.relation import ColumnType, Database, Relation, Row

DERIVED_ROWS = 10_000
"""The rows that a derived relation is taken to have, when literals are put in order."""
DERIVED_VALUES = 100
"""The values that each of its columns is taken to have."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A query over tables that hold nothing it does not need, by name."""

    query: Query
    tables: Mapping[str, frozenset[Row]]


def plan(query: Query, database: Database) -> Plan:
    """Reduce what is stored to what a query needs, and order the literals of its rules."""
    query = replace(query, rules=tuple(map(_without_lone_variables, query.rules)))
    tables = _Tables(database, query.stored())
    rules = [
        replace(rule, body=tuple(_without_repetition(map(tables.reduced, rule.body))))
        for rule in query.rules
    ]
    rules = [replace(rule, body=_ordered(rule.body, tables.values)) for rule in rules]
    return Plan(replace(query, rules=tuple(rules)), tables.rows)


def rows_of(database: Database, name: str) -> frozenset[Row]:
    """Return the rows of a stored relation. Raises TypeError if they are not what it declares."""
    relation = database.relations[name]
    rows = database.rows(name)
    _check(relation, rows)
    return rows


def _check(relation: Relation, rows: Collection[Row]) -> None:
    """Refuse rows that are no rows of their relation: comparing them would mean nothing."""
    if any(len(row) != len(relation.columns) for row in rows):
        raise TypeError(f"a row of relation {relation.name!r} has not as many values as columns")
    for position, column in enumerate(relation.columns):
        allowed = {int, Decimal} if column.type is ColumnType.NUMBER else {str}
        values = set(map(itemgetter(position), rows))
        if not set(map(type, values)) <= allowed or not all(map(_finite, values)):
            raise TypeError(
                f"relation {relation.name!r}: column {column.name!r} is a {column.type}, but holds other values"
            )


def _finite(value: object) -> bool:
    return not isinstance(value, Decimal) or value.is_finite()


def _without_lone_variables(rule: Rule) -> Rule:
    """Put `_` for the variables that an atom alone uses, and once."""
    used = Counter(variables(term for literal in rule.body for term in terms_of(literal)))
    used.update(rule.groups)
    used.update(variable for aggregate in rule.aggregates for variable in aggregate.over)

    def kept(term: Term) -> Term:
        return Anything() if isinstance(term, Variable) and used[term] == 1 else term

    body = tuple(
        replace(literal, terms=tuple(map(kept, literal.terms)))
        if isinstance(literal, Atom)
        else literal
        for literal in rule.body
    )
    return replace(rule, body=body)


def _without_repetition(body: Iterable[Literal]) -> Iterator[Literal]:
    """Put a comparison for a variable that stands twice in an atom: pyDatalog overlooks rows there.

    Below a negation all variables are bound before.
    """
    for literal in body:
        if isinstance(literal, Comparison) or literal.negated:
            yield literal
            continue
        terms: list[Term] = []
        for position, term in enumerate(literal.terms):
            if isinstance(term, Variable) and term in terms:
                again = Variable(f"{term.name} at {position} in {literal.relation}")
                terms.append(again)
                yield Comparison(again, Operator.EQUAL, term)
            else:
                terms.append(term)
        yield replace(literal, terms=tuple(terms))


class _Tables:
    """The tables of a plan: one for each way in which atoms use a stored relation."""

    def __init__(self, database: Database, stored: Iterable[str]) -> None:
        self._stored = {name: rows_of(database, name) for name in sorted(stored)}
        self._names: dict[tuple[object, ...], str] = {}
        self.rows: dict[str, frozenset[Row]] = {}
        self.values: dict[str, tuple[int, ...]] = {}
        """How many rows a table has, then how many values each of its columns."""

    def reduced(self, literal: Literal) -> Literal:
        """Put the table that an atom needs in place of a stored relation."""
        if isinstance(literal, Comparison) or literal.relation not in self._stored:
            return literal
        first: dict[Variable, int] = {}
        keys: list[object] = [literal.relation]
        for position, term in enumerate(literal.terms):
            match term:
                case Constant(value):
                    keys.append(("value", value))
                case Variable():
                    keys.append(("column", first.setdefault(term, position)))
                case Anything():
                    keys.append(None)
        key = tuple(keys)
        if key not in self._names:
            self._names[key] = name = f"table {len(self._names)}"
            self._fill(name, literal, first)
        terms = tuple(first) or (Constant(0),)
        return replace(literal, relation=self._names[key], terms=terms)

    def _fill(self, name: str, atom: Atom, first: Mapping[Variable, int]) -> None:
        rows: Iterable[Row] = self._stored[atom.relation]
        for position, term in enumerate(atom.terms):
            if isinstance(term, Constant):
                rows = [row for row in rows if row[position] == term.value]
            elif isinstance(term, Variable) and first[term] != position:
                rows = [row for row in rows if row[position] == row[first[term]]]
        self.rows[name] = frozenset(map(_columns(list(first.values())), rows))
        columns = range(max(len(first), 1))
        self.values[name] = (
            len(self.rows[name]),
            *(len(set(map(itemgetter(column), self.rows[name]))) for column in columns),
        )


def _columns(positions: list[int]) -> Callable[[Row], Row]:
    """Choose some columns of a row; of none of them, one value that says there is a row."""
    if not positions:
        return lambda _: (0,)
    if len(positions) == 1:
        (position,) = positions
        return lambda row: (row[position],)
    return itemgetter(*positions)


def _ordered(
    body: tuple[Literal, ...], values: Mapping[str, tuple[int, ...]]
) -> tuple[Literal, ...]:
    """Order literals: tests as soon as they can be made, then the join that gives fewest rows."""
    bound: set[Variable] = set()
    left = list(body)
    ordered: list[Literal] = []
    while left:
        costs = [_cost(literal, bound, values) for literal in left]
        literal = left.pop(costs.index(min(costs)))
        ordered.append(literal)
        bound.update(variables(terms_of(literal)))
    return tuple(ordered)


def _cost(literal: Literal, bound: set[Variable], values: Mapping[str, tuple[int, ...]]) -> float:
    """Estimate how many rows a literal gives for each row before it; infinite if it cannot stand."""
    free = set(variables(terms_of(literal))) - bound
    if isinstance(literal, Comparison):
        binds = literal.operator is Operator.EQUAL and literal.left != literal.right
        return 0 if len(free) <= binds else inf
    if literal.negated:
        return inf if free else 0.5
    unknown = (DERIVED_ROWS, *[DERIVED_VALUES] * len(literal.terms))
    rows, *distinct = values.get(literal.relation, unknown)
    estimate = float(rows)
    for term, count in zip(literal.terms, distinct, strict=True):
        if isinstance(term, Constant) or term in bound:
            estimate /= max(count, 1)
    return estimate
