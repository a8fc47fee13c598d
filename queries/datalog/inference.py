"""Inference: the kinds of values in the rules of a relation, and these rules as they are answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from engine.datalog import (
    Aggregate,
    Anything,
    Atom,
    Comparison,
    Constant,
    Function,
    Literal,
    Operator,
    Rule,
    Term,
    Variable,
)
from engine.relation import ColumnType, Database, Relation
from facts.errors import QueryProblem, did_you_mean
from queries.datalog.kinds import Kind, MisfitError, fitted, misfit, own_kind
from queries.datalog.syntax import (
    Given,
    Named,
    Parameter,
    Place,
    Written,
    WrittenAggregate,
    WrittenAtom,
    WrittenComparison,
    WrittenRule,
)
from queries.datalog.tokens import MOST_PROBLEMS

Signature: TypeAlias = tuple[Kind, ...]

_UNKNOWN = Kind(ColumnType.TEXT, None, "nothing binds it")


@dataclass(frozen=True, slots=True)
class Inferred:
    """The columns of a derived relation, its rules, and what is wrong with them."""

    signature: Signature
    rules: tuple[Rule, ...]
    problems: tuple[QueryProblem, ...]


def stored_signature(relation: Relation) -> Signature:
    """Return the kinds of the columns of a stored relation."""
    return tuple(
        Kind(column.type, column.domain, f"column {column.name} of {relation.name}")
        for column in relation.columns
    )


def infer(
    relation: str,
    rules: Sequence[WrittenRule],
    signatures: Mapping[str, Signature],
    database: Database,
    parameters: Mapping[str, object],
) -> Inferred:
    """Infer the kinds of a relation from its rules, whose atoms have the signatures given.

    Atoms of unknown relations, or with a wrong number of terms, say nothing.
    """
    found = [_RuleKinds(rule, signatures, database, parameters) for rule in rules]
    problems = [problem for each in found for problem in each.problems]
    signature = list(found[0].head)
    for rule, each in zip(rules[1:], found[1:], strict=True):
        for position, (kind, other) in enumerate(zip(signature, each.head, strict=False)):
            if _UNKNOWN in (kind, other):
                continue
            if kind.type is not other.type or kind.many is not other.many:
                message = f"{rule.head[position].name} is {other}; in another rule of {relation} it is {kind}"
                problems.append(rule.source.problem(rule.head[position].place, message))
            elif kind.domain != other.domain:
                signature[position] = replace(kind, domain=None)
    signature = [
        kind if kind is _UNKNOWN else replace(kind, origin=f"column {term.name} of {relation}")
        for kind, term in zip(signature, rules[0].head, strict=True)
    ]
    return Inferred(tuple(signature), tuple(each.rule for each in found), tuple(problems))


class _RuleKinds:
    """One rule: what its variables are, and the rule in terms of that."""

    def __init__(
        self,
        rule: WrittenRule,
        signatures: Mapping[str, Signature],
        database: Database,
        parameters: Mapping[str, object],
    ) -> None:
        self._written = rule
        self._signatures = signatures
        self._database = database
        self._parameters = parameters
        self._kinds: dict[str, Kind] = {}
        self.problems: list[QueryProblem] = []
        atoms = [self._atom(atom) for atom in rule.atoms()]
        self._equate()
        aggregates = tuple(self._aggregate(aggregate) for aggregate in rule.aggregates())
        results = {aggregate.result.name for aggregate in aggregates}
        comparisons: list[Literal] = []
        conditions: list[Comparison] = []
        for each in rule.comparisons():
            about = {term.name for term in (each.left, each.right) if isinstance(term, Named)}
            comparison = self._comparison(each)
            (conditions if about & results else comparisons).append(comparison)
        self.head = tuple(self._kinds.get(term.name, _UNKNOWN) for term in rule.head)
        self.rule = Rule(
            rule.relation or "",
            tuple(Variable(term.name) for term in rule.head),
            (*atoms, *comparisons),
            aggregates,
            tuple(conditions),
        )

    def _problem(self, place: Place, message: str) -> None:
        self.problems.append(self._written.source.problem(place, message))

    def _atom(self, atom: WrittenAtom) -> Atom:
        signature = self._signatures.get(atom.relation, ())
        if len(signature) != len(atom.terms):
            signature = (_UNKNOWN,) * len(atom.terms)
        for kind in signature:
            if kind.many:
                self._problem(
                    atom.place,
                    f"{kind.origin} is a list, and lists are for the result alone; use a rule without it",
                )
        terms = [self._term(term, kind) for term, kind in zip(atom.terms, signature, strict=True)]
        return Atom(atom.relation, tuple(terms), atom.negated)

    def _term(self, term: Written, kind: Kind) -> Term:
        if isinstance(term, Named):
            if term.name == "_":
                return Anything()
            self._join(term, kind)
            return Variable(term.name)
        return self._constant(term, kind) if kind is not _UNKNOWN else Constant(0)

    def _join(self, variable: Named, kind: Kind) -> None:
        known = self._kinds.get(variable.name)
        if kind is _UNKNOWN:
            return
        if known is None:
            self._kinds[variable.name] = kind
        elif known.clashes(kind):
            self._problem(
                variable.place,
                f"{variable.name} cannot be {known} and {kind}: these never are equal",
            )
        else:
            self._kinds[variable.name] = known.joined(kind)

    def _constant(self, term: Given | Parameter, kind: Kind, *, member: bool = True) -> Constant:
        """Return a value of a kind, or note why it is none."""
        if isinstance(term, Parameter) and term.name not in self._parameters:
            hint = did_you_mean(term.name, self._parameters)
            self._problem(term.place, f"parameter ${term.name} has no value{hint}")
            return Constant(0)
        about = f"parameter ${term.name}: " if isinstance(term, Parameter) else ""
        value = self._value(term)
        text_for_number = isinstance(value, str) and kind.type is ColumnType.NUMBER
        if isinstance(term, Given) and text_for_number:
            self._problem(term.place, str(misfit(value, kind)))
            return Constant(0)
        try:
            few = len(self.problems) < MOST_PROBLEMS
            return Constant(fitted(value, kind, self._database, member=member, suggest=few))
        except MisfitError as error:
            self._problem(term.place, f"{about}{error}")
            return Constant(0)

    def _value(self, term: Given | Parameter) -> object:
        return term.value if isinstance(term, Given) else self._parameters.get(term.name)

    def _equate(self) -> None:
        """Give variables that no atom binds the kind of what they are equal to, variables first."""
        results = {aggregate.result.name for aggregate in self._written.aggregates()}
        sides = [
            (variable, other)
            for each in self._written.comparisons()
            if each.operator is Operator.EQUAL
            for variable, other in ((each.left, each.right), (each.right, each.left))
            if isinstance(variable, Named) and variable.name not in results
        ]
        self._spread(sides)
        for variable, value in sides:
            if not isinstance(value, Named):
                own = own_kind(self._value(value), f"{variable.name} is equal to a value")
                self._kinds.setdefault(variable.name, own)
        self._spread(sides)

    def _spread(self, sides: Sequence[tuple[Named, Written]]) -> None:
        """Give variables the kinds of the variables they are equal to, until nothing changes."""
        known = -1
        while known < len(self._kinds):
            known = len(self._kinds)
            for variable, other in sides:
                if isinstance(other, Named) and other.name in self._kinds:
                    self._kinds.setdefault(variable.name, self._kinds[other.name])

    def _aggregate(self, aggregate: WrittenAggregate) -> Aggregate:
        over = tuple(Variable(term.name) for term in aggregate.over)
        kind = self._kinds.get(aggregate.over[0].name, _UNKNOWN)
        result = replace(kind, many=aggregate.function is Function.LIST)
        if aggregate.function in (Function.COUNT, Function.SUM):
            result = Kind(
                ColumnType.NUMBER, None, f"{aggregate.result.name} is a {aggregate.function}"
            )
        if (
            aggregate.function is Function.SUM
            and kind is not _UNKNOWN
            and kind.type is not ColumnType.NUMBER
        ):
            value = aggregate.over[0]
            self._problem(value.place, f"a sum adds numbers, but {value.name} is {kind}")
        self._kinds.setdefault(aggregate.result.name, result)
        return Aggregate(Variable(aggregate.result.name), aggregate.function, over)

    def _comparison(self, comparison: WrittenComparison) -> Comparison:
        sides = (comparison.left, comparison.right)
        kinds = [self._kinds.get(side.name) if isinstance(side, Named) else None for side in sides]
        if not any(isinstance(side, Named) for side in sides):
            self._problem(comparison.place, "two values are compared; one side is a variable")
        for side, kind in zip(sides, kinds, strict=True):
            if isinstance(side, Named) and side.name == "_":
                self._problem(side.place, "_ is any value, and is not compared")
            elif kind is not None and kind.many and isinstance(side, Named):
                self._problem(side.place, f"{side.name} is a list, and lists are not compared")
        left, right = kinds
        if left is not None and right is not None and left.clashes(right):
            self._problem(
                comparison.place,
                f"{left} and {right} are compared: they never are equal, and neither comes first",
            )
        equality = comparison.operator in (Operator.EQUAL, Operator.UNEQUAL)
        terms = [
            self._side(side, other, member=equality)
            for side, other in zip(sides, (right, left), strict=True)
        ]
        return Comparison(terms[0], comparison.operator, terms[1])

    def _side(self, side: Written, other: Kind | None, *, member: bool) -> Term:
        if isinstance(side, Named):
            return Variable(side.name)
        return Constant(0) if other is None else self._constant(side, other, member=member)
