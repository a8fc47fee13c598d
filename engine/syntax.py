"""The rules of a file as plain data: what clingo's parser read, where that is a list of plain rules.

A rule has one head and a body of literals and (in)equalities; arguments are flat. Alternatives are
spelt out, so that each rule here stands for one of those the author wrote together.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import islice, pairwise, product
from math import prod
from typing import TypeVar

import clingo
from clingo.ast import AST, ASTType, ComparisonOperator, Sign, parse_string

from engine.gate import MOST_PROBLEMS
from facts.errors import FileProblem, KnowledgeBaseError

MOST_STATEMENTS = 10_000
"""Of one file, alternatives spelt out; the packaged policies have below 1,000."""

_IN_STRING = re.compile(
    r"^<(?:string|block)>:(\d+):(\d+)(?:-[\d:]+)?: (?:error|info): ", re.MULTILINE
)
_SIMPLE = re.compile(
    r'(?P<TEXT>".*")|(?P<NUMBER>[0-9]+)|(?P<WORD>[a-z][A-Za-z0-9_]*)|(?P<VARIABLE>_|_*[A-Z][A-Za-z0-9_]*)',
    re.DOTALL,
)


class TermKind(Enum):
    """What an argument of a statement is."""

    TEXT = "text"
    NUMBER = "number"
    WORD = "word"
    VARIABLE = "variable"


@dataclass(frozen=True, slots=True)
class Term:
    """An argument: its kind, and a text's content, a number's digits, a word, a variable's name."""

    kind: TermKind
    text: str
    node: AST = field(repr=False, compare=False)

    @property
    def is_variable(self) -> bool:
        """Whether it stands for what the rest of its rule says."""
        return self.kind is TermKind.VARIABLE


@dataclass(frozen=True, slots=True)
class Atom:
    """A predicate with its arguments."""

    name: str
    arguments: tuple[Term, ...]
    node: AST = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Literal:
    """An atom in a body, and whether `not` stands before it."""

    atom: Atom
    negated: bool


@dataclass(frozen=True, slots=True)
class Equation:
    """Terms in a body that are compared; `equal` if all of them are to be the same."""

    terms: tuple[Term, ...]
    equal: bool


@dataclass(frozen=True, slots=True)
class Rule:
    """One head and the body it holds by; `node` is the rule as written, with all alternatives."""

    head: Atom
    body: tuple[Literal | Equation, ...]
    node: AST = field(repr=False, compare=False)

    @property
    def literals(self) -> Iterator[Literal]:
        """The literals of the body."""
        return (part for part in self.body if isinstance(part, Literal))


Read = TypeVar("Read")

Place = Term | Atom | Rule
"""What a problem can be placed at."""


def parse(text: str, file: str) -> list[Rule]:
    """Parse a file that passed the gate into rules, alternatives spelt out.

    Raises KnowledgeBaseError where the text is not a list of plain rules, or is a very long one.
    """
    messages: list[tuple[clingo.MessageCode, str]] = []
    statements: list[AST] = []
    try:
        parse_string(text, statements.append, logger=lambda *message: messages.append(message))
    except RuntimeError as error:
        messages = messages or [(clingo.MessageCode.RuntimeError, str(error))]
    if messages:
        raise KnowledgeBaseError([clingo_problem(message, file) for _, message in messages])
    left_out = (ASTType.Program, ASTType.Comment)
    reader = _Reader(file)
    for statement in statements:
        if statement.ast_type not in left_out:
            reader.read(statement)
    _refuse(reader.problems)
    _refuse(_too_many(reader.rules, file))
    rules = [plain for rule in reader.rules for plain in rule.spelt_out()]
    _refuse(problem for rule in rules for problem in _unbound(rule, file))
    return rules


def clingo_problem(message: str, file: str) -> FileProblem:
    """Turn a message of clingo about a text into a problem with file, line and column."""
    place = _IN_STRING.match(message)
    line, column = (int(place[1]), int(place[2])) if place else (None, None)
    sentence = " ".join(_IN_STRING.sub("", message).split())
    return FileProblem(file, line, column, sentence)


def problem_at(file: str, place: Place, message: str) -> FileProblem:
    """Place a problem where something of a file stands."""
    return _problem(file, place.node, message)


def _problem(file: str, node: AST, message: str) -> FileProblem:
    begin = node.location.begin
    return FileProblem(file, begin.line, begin.column, message)


def _refuse(found: Iterable[FileProblem]) -> None:
    problems = list(islice(dict.fromkeys(found), MOST_PROBLEMS))
    if problems:
        raise KnowledgeBaseError(problems)


@dataclass(frozen=True, slots=True)
class _PooledAtom:
    """An atom with the alternatives of each argument."""

    name: str
    arguments: tuple[tuple[Term, ...], ...]
    node: AST

    def spelt_out(self) -> Iterator[Atom]:
        return (Atom(self.name, terms, self.node) for terms in product(*self.arguments))


@dataclass(frozen=True, slots=True)
class _PooledRule:
    """A rule as written; of the atoms of its body, whether `not` stands before them."""

    head: _PooledAtom
    body: tuple[tuple[_PooledAtom, bool] | Equation, ...]
    node: AST

    @property
    def atoms(self) -> Iterator[_PooledAtom]:
        yield self.head
        yield from (part[0] for part in self.body if not isinstance(part, Equation))

    def spelt_out(self) -> Iterator[Rule]:
        bodies = product(*map(_choices, self.body))
        return (
            Rule(head, body, self.node)
            for body, head in product(bodies, tuple(self.head.spelt_out()))
        )


def _choices(part: tuple[_PooledAtom, bool] | Equation) -> tuple[Literal | Equation, ...]:
    if isinstance(part, Equation):
        return (part,)
    pooled, negated = part
    return tuple(Literal(atom, negated) for atom in pooled.spelt_out())


class _NotPlainError(Exception):
    """Something is more than the policy language has; holds where it stands, and what is wrong."""

    def __init__(self, node: AST, message: str) -> None:
        super().__init__(message)
        self.node = node


class _Reader:
    """Reads clingo's syntax trees, each attribute once, and collects what is no plain rule."""

    def __init__(self, file: str) -> None:
        self.rules: list[_PooledRule] = []
        self.problems: list[FileProblem] = []
        self._file = file

    def read(self, statement: AST) -> None:
        """Read a statement that has to be a rule: its head, and each part of its body."""
        if statement.ast_type is not ASTType.Rule:
            message = "only facts and rules are part of the policy language"
            self.problems.append(_problem(self._file, statement, message))
            return
        head = self._noting(_head, statement)
        body = [self._noting(_part, literal) for literal in statement.body]
        if head is not None:
            parts = tuple(part for part in body if part is not None)
            self.rules.append(_PooledRule(head, parts, statement))

    def _noting(self, read: Callable[[AST], Read], node: AST) -> Read | None:
        try:
            return read(node)
        except _NotPlainError as wrong:
            self.problems.append(_problem(self._file, wrong.node, str(wrong)))
            return None


def _head(rule: AST) -> _PooledAtom:
    head = rule.head
    if head.ast_type is ASTType.Disjunction:
        raise _NotPlainError(head, "a rule states one thing; disjunctions are not allowed")
    if head.ast_type is not ASTType.Literal:
        raise _NotPlainError(rule, "a rule states one thing in its head")
    atom = head.atom
    if atom.ast_type is ASTType.BooleanConstant:
        raise _NotPlainError(
            rule, "constraints are not allowed: a policy decides, it forbids nothing"
        )
    if atom.ast_type is not ASTType.SymbolicAtom or head.sign != Sign.NoSign:
        raise _NotPlainError(head, "the head of a rule is a statement, without not or comparison")
    return _atom(atom.symbol)


def _part(literal: AST) -> tuple[_PooledAtom, bool] | Equation:
    """Read an atom of a body, and whether `not` stands before it; or an equation."""
    if literal.ast_type is not ASTType.Literal:
        raise _NotPlainError(literal, "a body holds literals and comparisons only")
    sign, node = literal.sign, literal.atom
    if sign == Sign.DoubleNegation:
        raise _NotPlainError(literal, "double negation is not part of the policy language")
    if node.ast_type is ASTType.Comparison:
        return _equation(node, plain=sign == Sign.NoSign)
    if node.ast_type is not ASTType.SymbolicAtom:
        raise _NotPlainError(literal, "a body holds literals and comparisons only")
    atom, negated = _atom(node.symbol), sign == Sign.Negation
    if negated and any(len(terms) > 1 for terms in atom.arguments):
        message = "not stands before one condition, not before alternatives: one of them would do"
        raise _NotPlainError(literal, message)
    return atom, negated


def _equation(node: AST, *, plain: bool) -> Equation:
    guards = list(node.guards)
    terms = tuple(_term(term) for term in (node.term, *(guard.term for guard in guards)))
    equal = plain and all(guard.comparison == ComparisonOperator.Equal for guard in guards)
    return Equation(terms, equal)


def _atom(symbol: AST) -> _PooledAtom:
    if symbol.ast_type is ASTType.Pool:
        message = "alternatives stand in their own parentheses: name((a; b))"
        raise _NotPlainError(symbol, message)
    if symbol.ast_type is not ASTType.Function or not symbol.name:
        raise _NotPlainError(symbol, "a statement is a name with arguments")
    arguments = (
        argument.arguments if argument.ast_type is ASTType.Pool else (argument,)
        for argument in symbol.arguments
    )
    return _PooledAtom(symbol.name, tuple(tuple(map(_term, terms)) for terms in arguments), symbol)


def _term(node: AST) -> Term:
    written = str(node)
    simple = _SIMPLE.fullmatch(written)
    if simple is None or simple.lastgroup is None:
        raise _NotPlainError(
            node, "an argument is a number, a text in quotes, a word or a variable"
        )
    kind = TermKind[simple.lastgroup]
    return Term(kind, node.symbol.string if kind is TermKind.TEXT else written, node)


def _too_many(rules: Sequence[_PooledRule], file: str) -> Iterator[FileProblem]:
    """Count the statements with their alternatives before they are spelt out."""
    stated = 0
    for rule in rules:
        stated += prod(len(terms) for atom in rule.atoms for terms in atom.arguments)
        if stated > MOST_STATEMENTS:
            message = f"more than {MOST_STATEMENTS:,} statements, alternatives spelt out"
            yield _problem(file, rule.node, message)
            return


def _unbound(rule: Rule, file: str) -> Iterator[FileProblem]:
    """Find the variables that nothing in the body gives a value."""
    if not rule.body and not any(term.is_variable for term in rule.head.arguments):
        return
    bound: set[str] = set()
    equal: list[tuple[Term, Term]] = []
    needed = list(rule.head.arguments)
    for part in rule.body:
        if isinstance(part, Equation):
            needed += part.terms
            if part.equal:
                equal += pairwise(part.terms)
        elif part.negated:
            needed += [term for term in part.atom.arguments if term.text != "_"]
        else:
            bound |= _variables(part.atom.arguments)

    def has_value(term: Term) -> bool:
        return not term.is_variable or term.text in bound

    for _ in equal:
        bound |= {name for pair in equal if any(map(has_value, pair)) for name in _variables(pair)}
    for term in needed:
        if not has_value(term):
            message = f"variable {term.text} has no value: no statement of the body holds it"
            yield _problem(file, term.node, message)


def _variables(terms: Iterable[Term]) -> set[str]:
    """Return the names of variables; `_` is none, as it stands for a new one each time."""
    return {term.text for term in terms if term.is_variable} - {"_"}
