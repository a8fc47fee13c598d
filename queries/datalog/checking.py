"""Checking: from what was written to a query that can be answered, or everything wrong with it.

A query that passes names what there is, compares like with like, binds every variable, and rests on
no circle: so negation is stratified, and every way of evaluating it ends, with the same rows.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter

from engine.datalog import Atom, Order, Query, ResultColumn, Rule
from engine.relation import Database
from facts.errors import QueryError, QueryProblem, did_you_mean
from queries.datalog.inference import infer, stored_signature
from queries.datalog.safety import unsafe
from queries.datalog.syntax import (
    Named,
    Parameter,
    WrittenQuery,
    WrittenRule,
    named,
    terms_of,
)
from queries.datalog.tokens import MOST_PROBLEMS

UNNAMED = "?"
"""The relation that a query without a head asks for; no other can have this name."""


def check_query(
    query: WrittenQuery,
    database: Database,
    *,
    rules: Iterable[WrittenRule] = (),
    parameters: Mapping[str, object] | None = None,
) -> Query:
    """Return a query that can be answered. Raises QueryError with all problems found.

    `rules` may be used by it; `parameters` are the values of its `$names`.
    """
    written = [*rules, *map(_with_head, query.rules)]
    asked = written[-1].relation or UNNAMED
    groups = _by_relation(written)
    problems = [*_structure(groups, database), *_order_problems(query, written[-1])]
    problems += [problem for rule in written for problem in unsafe(rule)]
    problems += _unused(parameters or {}, written)
    circle = _circle(groups)
    checked: dict[str, tuple[Rule, ...]] = {}
    signatures = {name: stored_signature(relation) for name, relation in database.relations.items()}
    for relation in [] if circle else _dependency_order(groups):
        inferred = infer(relation, groups[relation], signatures, database, parameters or {})
        signatures[relation] = inferred.signature
        checked[relation] = inferred.rules
        problems += inferred.problems
    problems += circle
    if problems:
        unique = dict.fromkeys(sorted(problems, key=_position))
        raise QueryError(list(unique)[:MOST_PROBLEMS])
    names = [variable.name for variable in written[-1].head]
    return Query(
        rules=tuple(_reachable(asked, checked)),
        columns=tuple(
            ResultColumn(name, kind.type, kind.domain, kind.many)
            for name, kind in zip(names, signatures[asked], strict=True)
        ),
        order=tuple(Order(names.index(key.variable.name), key.descending) for key in query.order),
        limit=query.limit,
    )


def _position(problem: QueryProblem) -> tuple[str, int, int]:
    return problem.source, problem.line, problem.column


def _with_head(rule: WrittenRule) -> WrittenRule:
    """Give a query without a head the variables of its body, but for those that it aggregates."""
    if rule.relation is not None:
        return rule
    over = {term.name for aggregate in rule.aggregates() for term in aggregate.over}
    variables: dict[str, Named] = {}
    for literal in rule.body:
        for term in named(terms_of(literal)):
            if term.name not in over:
                variables.setdefault(term.name, term)
    return replace(rule, relation=UNNAMED, head=tuple(variables.values()))


def _by_relation(rules: Iterable[WrittenRule]) -> dict[str, list[WrittenRule]]:
    groups: dict[str, list[WrittenRule]] = {}
    for rule in rules:
        groups.setdefault(rule.relation or UNNAMED, []).append(rule)
    return groups


def _structure(
    groups: Mapping[str, Sequence[WrittenRule]], database: Database
) -> Iterator[QueryProblem]:
    """Find relations that are not there, or that have other columns or other rules."""
    columns = {
        name: [column.name for column in relation.columns]
        for name, relation in database.relations.items()
    } | {name: [term.name for term in rules[0].head] for name, rules in groups.items()}
    for name, rules in groups.items():
        for rule in rules:
            if name in database.relations:
                message = f"{name} is a relation already; name the head otherwise"
                yield rule.source.problem(rule.place, message)
            elif len(rule.head) != len(rules[0].head):
                message = f"another rule of {name} has {_counted(len(rules[0].head), 'column')}, this one {len(rule.head)}"
                yield rule.source.problem(rule.place, message)
            for atom in rule.atoms():
                if atom.relation not in columns:
                    message = f"relation {atom.relation!r} is unknown{did_you_mean(atom.relation, columns)}"
                    yield rule.source.problem(atom.place, message)
                elif len(atom.terms) != len(columns[atom.relation]):
                    listed = ", ".join(columns[atom.relation])
                    message = (
                        f"{atom.relation} has {_counted(len(columns[atom.relation]), 'column')} "
                        f"({listed}), but {_counted(len(atom.terms), 'term')} here"
                    )
                    yield rule.source.problem(atom.place, message)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _order_problems(query: WrittenQuery, asked: WrittenRule) -> Iterator[QueryProblem]:
    """Find what a query sorts by that is not in its result, or is twice."""
    names = [term.name for term in asked.head]
    seen: set[str] = set()
    for key in query.order:
        name = key.variable.name
        if name not in names:
            listed = f" (it has {', '.join(names)})" if names else ""
            message = f"{name} is not in the result{did_you_mean(name, names)}{listed}"
            yield asked.source.problem(key.variable.place, message)
        elif name in seen:
            yield asked.source.problem(key.variable.place, f"{name} is sorted by already")
        seen.add(name)


def _unused(parameters: Mapping[str, object], rules: Sequence[WrittenRule]) -> list[QueryProblem]:
    """Find values that were given for parameters which no rule has."""
    used = {
        term.name
        for rule in rules
        for literal in rule.body
        for term in terms_of(literal)
        if isinstance(term, Parameter)
    }
    return [
        QueryProblem(
            rules[-1].source.name, 1, 1, f"there is no parameter ${name}{did_you_mean(name, used)}"
        )
        for name in sorted(set(parameters) - used)
    ]


def _uses(groups: Mapping[str, Sequence[WrittenRule]]) -> dict[str, list[str]]:
    """Name, for each derived relation, those that its rules use, in their order."""
    return {
        name: list(
            dict.fromkeys(
                atom.relation for rule in rules for atom in rule.atoms() if atom.relation in groups
            )
        )
        for name, rules in groups.items()
    }


def _dependency_order(groups: Mapping[str, Sequence[WrittenRule]]) -> list[str]:
    return list(TopologicalSorter(_uses(groups)).static_order())


def _circle(groups: Mapping[str, Sequence[WrittenRule]]) -> list[QueryProblem]:
    """Find a relation that rests on itself."""
    try:
        TopologicalSorter(_uses(groups)).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1][::-1]  # from each relation to one that it uses
        rule, atom = next(
            (rule, atom)
            for rule in groups[circle[0]]
            for atom in rule.atoms()
            if atom.relation == circle[1]
        )
        message = f"{circle[0]} rests on itself ({' -> '.join(circle)}); recursion is not part of the query language"
        return [rule.source.problem(atom.place, message)]
    return []


def _reachable(asked: str, checked: dict[str, tuple[Rule, ...]]) -> list[Rule]:
    """Return the rules that an answer rests on; `checked` has them after those they use."""
    wanted = {asked}
    found: list[Rule] = []
    for relation, rules in reversed(checked.items()):
        if relation in wanted:
            found[:0] = rules
            wanted |= {
                literal.relation
                for rule in rules
                for literal in rule.body
                if isinstance(literal, Atom)
            }
    return found
