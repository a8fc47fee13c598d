"""Safety: every variable of a rule takes its values from an atom that is not negated.

Otherwise a rule would speak of all values there could be, and different ways of evaluating it would
give different answers. A variable that is equal to a value or to a bound variable is bound too.
"""

from collections.abc import Iterator

from engine.datalog import Operator
from facts.errors import QueryProblem
from queries.datalog.syntax import (
    Named,
    Place,
    Written,
    WrittenAggregate,
    WrittenAtom,
    WrittenComparison,
    WrittenRule,
    named,
)

_BELOW_NOT = "an atom below not gives it no values; write _ for any value, or another atom with it"
_COMPARED = "it is compared, but no atom gives it values"
_AGGREGATED = "it is aggregated, but no atom gives it values"
_IN_HEAD = "it is in the head, but nothing in the body gives it values"


def unsafe(rule: WrittenRule) -> Iterator[QueryProblem]:
    """Find what a rule does not bind, and aggregates that do not stand for themselves."""
    results = {aggregate.result.name for aggregate in rule.aggregates()}
    bound = _bound(rule, results)
    told: set[str] = set()
    for place, name, message in (*_unbound(rule, bound | results), *_aggregates(rule, bound)):
        if name not in told:
            told.add(name)
            yield rule.source.problem(place, message)


def _bound(rule: WrittenRule, results: set[str]) -> set[str]:
    """Return the variables that the atoms of a rule bind, and what is equal to them."""
    bound = {term.name for atom in rule.atoms() if not atom.negated for term in named(atom.terms)}
    equalities = [
        (each.left, each.right)
        for each in rule.comparisons()
        if each.operator is Operator.EQUAL
        and not {term.name for term in named((each.left, each.right))} & results
    ]
    while True:
        more = {
            free.name
            for left, right in equalities
            for free, other in ((left, right), (right, left))
            if isinstance(free, Named) and _has_value(other, bound)
        }
        if more <= bound:
            return bound
        bound |= more


def _has_value(term: Written, bound: set[str]) -> bool:
    return term.name in bound if isinstance(term, Named) else True


def _unbound(rule: WrittenRule, known: set[str]) -> Iterator[tuple[Place, str, str]]:
    """Find the variables that have no values, each with the reason."""
    for term, reason in (*_needing(rule), *((term, _IN_HEAD) for term in rule.head)):
        if term.name not in known:
            yield term.place, term.name, f"{term.name} is not bound: {reason}"


def _needing(rule: WrittenRule) -> Iterator[tuple[Named, str]]:
    """Give the variables of a body that have to be bound elsewhere in it, and why."""
    for literal in rule.body:
        match literal:
            case WrittenAtom(negated=True):
                yield from ((term, _BELOW_NOT) for term in named(literal.terms))
            case WrittenComparison():
                yield from ((term, _COMPARED) for term in named((literal.left, literal.right)))
            case WrittenAggregate():
                yield from ((term, _AGGREGATED) for term in literal.over)


def _aggregates(rule: WrittenRule, bound: set[str]) -> Iterator[tuple[Place, str, str]]:
    """Find aggregates whose result, or whose variables, are used otherwise."""
    aggregates = list(rule.aggregates())
    results = {aggregate.result.name for aggregate in aggregates}
    over = {term.name for aggregate in aggregates for term in aggregate.over}
    head = {term.name for term in rule.head}
    seen = set(bound)
    for aggregate in aggregates:
        result = aggregate.result
        if result.name in seen:
            yield _found(
                result, "is the result of an aggregate and has other values too; rename it"
            )
        seen.add(result.name)
        for term in aggregate.over:
            if term.name in results:
                yield _found(term, "is an aggregate, and these are not nested; use a rule for each")
            elif term.name in head:
                yield _found(
                    term, "is in the head, with a row for each; aggregate another variable"
                )
    for atom in rule.atoms():
        for term in named(atom.terms):
            if atom.negated and term.name in results:
                yield _found(
                    term, "is an aggregate; take it in a rule of its own, and negate with it"
                )
    for comparison in rule.comparisons():
        terms = list(named((comparison.left, comparison.right)))
        if any(term.name in results for term in terms):
            for term in terms:
                if term.name in over or term.name not in results | head:
                    yield _found(term, "is compared with an aggregate, so it has to be in the head")


def _found(term: Named, message: str) -> tuple[Place, str, str]:
    return term.place, term.name, f"{term.name} {message}"
