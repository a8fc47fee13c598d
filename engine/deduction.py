"""Deduction: the answer to a Datalog query by clingo, to check another evaluation with.

clingo sees neither names nor values of a query: relations are numbered, and a value stands as its
place in the order of all values, so that comparing places compares values. Counts, least and
greatest values are clingo's own aggregates. Sums and lists are taken here, of the tuples that clingo
derives: its integers wrap around at 32 bits, and lists it has none.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Context, Decimal, Inexact
from typing import TypeAlias

import clingo

from engine.datalog import (
    Aggregate,
    Anything,
    Atom,
    Cell,
    Constant,
    Function,
    Literal,
    Query,
    Rule,
    Term,
    Variable,
    holds,
    terms_of,
)
from engine.relation import Row, Value

_NATIVE = {Function.COUNT: "count", Function.MIN: "min", Function.MAX: "max"}
_WIDE = Context(prec=1_000, traps=[Inexact])
"""Digits enough to move the point of any sum; a sum that is longer is an error."""

Places: TypeAlias = tuple[int, ...]


def deduce(query: Query, tables: Mapping[str, Collection[Row]]) -> frozenset[tuple[Cell, ...]]:
    """Derive the rows of a query over the rows of the stored relations it uses.

    Relations with aggregates are derived one after the other, as their values may be new ones, and
    the one that is asked is derived last.
    """
    known: dict[str, Collection[Row]] = dict(tables)
    waiting: list[Rule] = []
    for relation, rules in query.by_relation():
        if relation != query.asked and not any(rule.aggregates for rule in rules):
            waiting += rules
        else:
            rows = frozenset(row for rule in rules for row in _rows(rule, waiting, known))
            if relation == query.asked:
                return rows
            known[relation] = rows  # type: ignore[assignment]  # lists are in the last rows alone
    raise ValueError("a query without rules asks for nothing")


def _rows(
    rule: Rule, waiting: Collection[Rule], known: Mapping[str, Collection[Row]]
) -> Iterator[tuple[Cell, ...]]:
    """Derive the rows of one rule, by it and the rules it rests on."""
    program = _Program([*_below(rule, waiting), rule], known)
    body = program.add_body(rule)
    predicates = [program.add_aggregate(aggregate, rule, body) for aggregate in rule.aggregates]
    program.ground()
    size = len(rule.groups)
    results: dict[Row, dict[Variable, Cell]] = {}
    for row in program.rows(body, len(rule.wanted)):
        results[row[:size]] = dict(zip(rule.groups, row, strict=False))
    for aggregate, predicate in zip(rule.aggregates, predicates, strict=True):
        for group, value in _aggregated(aggregate, program, predicate, size):
            results[group][aggregate.result] = value
    for values in results.values():
        if all(holds(condition, values) for condition in rule.conditions):
            yield tuple(values[variable] for variable in rule.head)


def _aggregated(
    aggregate: Aggregate, program: "_Program", predicate: str, size: int
) -> Iterator[tuple[Row, Cell]]:
    """Give an aggregate of each group, which is the first `size` values of a row."""
    if aggregate.function is Function.COUNT:
        for *places, number in program.places(predicate, size + 1):
            yield program.values(places), number
    elif aggregate.function in _NATIVE:
        for *group, value in program.rows(predicate, size + 1):
            yield tuple(group), value
    else:
        members: dict[Row, list[Value]] = {}
        for row in program.rows(predicate, size + len(aggregate.over)):
            members.setdefault(row[:size], []).append(row[size])
        for key, values in members.items():
            added = aggregate.function is Function.SUM
            yield key, _sum(values) if added else tuple(sorted(values, key=_order))


def _below(rule: Rule, waiting: Collection[Rule]) -> list[Rule]:
    """Return the waiting rules that a rule rests on."""
    wanted = {literal.relation for literal in rule.body if isinstance(literal, Atom)}
    found: list[Rule] = []
    for below in reversed(list(waiting)):  # each stands after those it uses
        if below.relation in wanted:
            found.append(below)
            wanted |= {literal.relation for literal in below.body if isinstance(literal, Atom)}
    return found


def _sum(values: Iterable[Value]) -> Value:
    """Add numbers without rounding: as whole numbers of the smallest unit among them."""
    decimals = [Decimal(value) for value in values]
    places = max(0, *(-int(each.as_tuple().exponent) for each in decimals))
    total = sum(int(each.scaleb(places, _WIDE)) for each in decimals)
    return Decimal(total).scaleb(-places, _WIDE)


def _order(value: Value) -> tuple[bool, Value]:
    """Order numbers by size before texts by their characters."""
    return isinstance(value, str), value


class _Program:
    """A program for clingo, of rules over rows, in which every value is its place in their order."""

    def __init__(self, rules: Sequence[Rule], known: Mapping[str, Collection[Row]]) -> None:
        atoms = [each for rule in rules for each in rule.body if isinstance(each, Atom)]
        stored = sorted({atom.relation for atom in atoms} & set(known))
        literals = [literal for rule in rules for literal in rule.body]
        constants = [
            term.value
            for literal in literals
            for term in terms_of(literal)
            if isinstance(term, Constant)
        ]
        values = {value for name in stored for row in known[name] for value in row}
        self._values: list[Value] = sorted(values.union(constants), key=_order)
        self._places = {value: place for place, value in enumerate(self._values)}
        self._predicates: dict[str, str] = {}
        self._control = clingo.Control(logger=_refuse, message_limit=1)
        for name in stored:
            arity = next(len(atom.terms) for atom in atoms if atom.relation == name)
            self._add(f"#defined {self._predicate(name)}/{arity}.")
            self._add(self._facts(self._predicate(name), known[name]))
        for rule in rules[:-1]:
            self._rule(self._predicate(rule.relation), rule.head, rule.body)

    def add_body(self, rule: Rule) -> str:
        """Add what is wanted of the body of a rule, and return the predicate of it."""
        return self._rule(self._predicate("body of the last rule"), rule.wanted, rule.body)

    def add_aggregate(self, aggregate: Aggregate, rule: Rule, body: str) -> str:
        """Add the predicate of groups and what clingo makes of them, or of what it gathers."""
        name = f"p{len(self._predicates)}"
        self._predicates[f"aggregate {name}"] = name
        number = {variable: f"V{place}" for place, variable in enumerate(rule.wanted)}
        groups = [number[variable] for variable in rule.groups]
        over = [number[variable] for variable in aggregate.over]
        anything = ["_"] * (len(rule.wanted) - len(groups))
        all_of = _call(body, number.values())
        if aggregate.function in _NATIVE:
            function = _NATIVE[aggregate.function]
            some = _call(body, [*groups, *anything])
            result = f"R = #{function}{{ {','.join(over)} : {all_of} }}"
            self._add(f"{_call(name, [*groups, 'R'])} :- {some}, {result}.")
        else:
            self._add(f"{_call(name, [*groups, *over])} :- {all_of}.")
        return name

    def ground(self) -> None:
        """Let clingo derive everything; a program without guesses needs no solving."""
        self._control.ground()

    def places(self, predicate: str, arity: int) -> Iterator[Places]:
        """Give the tuples of a predicate."""
        for atom in self._control.symbolic_atoms.by_signature(predicate, arity):
            if not atom.is_fact:
                raise RuntimeError("clingo left an atom of a query open")
            yield tuple(argument.number for argument in atom.symbol.arguments)

    def values(self, places: Iterable[int]) -> Row:
        """Return the values at some places."""
        return tuple(self._values[place] for place in places)

    def rows(self, predicate: str, arity: int) -> Iterator[Row]:
        """Give the tuples of a predicate as values."""
        return map(self.values, self.places(predicate, arity))

    def _predicate(self, relation: str) -> str:
        return self._predicates.setdefault(relation, f"p{len(self._predicates)}")

    def _facts(self, name: str, rows: Iterable[Row]) -> str:
        return "\n".join(
            f"{_call(name, [str(self._places[value]) for value in row])}." for row in rows
        )

    def _rule(self, name: str, head: Iterable[Variable], body: Iterable[Literal]) -> str:
        number: dict[Variable, str] = {}
        literals = ", ".join(self._literal(literal, number) for literal in body)
        self._add(f"{_call(name, [number[variable] for variable in head])} :- {literals}.")
        return name

    def _literal(self, literal: Literal, number: dict[Variable, str]) -> str:
        terms = [self._term(term, number) for term in terms_of(literal)]
        if isinstance(literal, Atom):
            atom = _call(self._predicate(literal.relation), terms)
            return f"not {atom}" if literal.negated else atom
        return f"{terms[0]} {literal.operator} {terms[1]}"

    def _term(self, term: Term, number: dict[Variable, str]) -> str:
        match term:
            case Constant(value):
                return str(self._places[value])
            case Anything():
                return "_"
            case _:
                return number.setdefault(term, f"V{len(number)}")

    def _add(self, text: str) -> None:
        """Add program text: predicates and variables are numbered, and values are places."""
        self._control.add(text)


def _call(name: str, terms: Iterable[str]) -> str:
    listed = ",".join(terms)
    return f"{name}({listed})" if listed else name


def _refuse(_code: clingo.MessageCode, message: str) -> None:
    """Take no message for granted: a program made here deserves none."""
    raise RuntimeError(f"clingo: {message}")
