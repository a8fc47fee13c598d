"""The statements a file of a knowledge base may hold, checked one by one against the vocabulary.

clingo drops a rule whose body cannot hold without a word, so a misspelt fact would silently change
who is approved. Here every predicate, fact, value, date and reading a rule names has to exist. What
the rules ask of the facts is collected on the way: which facts they look at, and where numbers turn.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property

from clingo import MessageCode
from clingo.ast import AST, ASTType, Sign, parse_string

from facts.errors import FileProblem, KnowledgeBaseError, did_you_mean
from facts.vocabulary import Changer, Kind, Vocabulary

POLICY_STATEMENTS: Mapping[str, tuple[str, ...]] = {
    "policy": ("policy", "text", "drug", "text"),
    "source": ("policy", "text"),
    "version": ("policy", "date", "end", "status", "text"),
    "serves": ("policy", "choice fact", "value"),
    "provision": ("policy", "section", "text"),
    "criterion": ("policy", "section", "text"),
    "all_of": ("policy", "section", "section"),
    "any_of": ("policy", "section", "section"),
    "none_of": ("policy", "section", "section"),
    "at_least_of": ("policy", "section", "count", "section"),
    "combination": ("policy", "section", "text", "drug"),
    "pathway": ("policy", "section"),
    "applies": ("policy", "section"),
    "met": ("policy", "section"),
    "months": ("policy", "section", "section", "count"),
    "months_up_to": ("policy", "section", "section", "months"),
    "quantity": ("policy", "section", "section", "count", "word", "count"),
    "refers": ("policy", "section", "text"),
    "denies": ("policy", "section", "basis"),
    "advises": ("policy", "section"),
    "disposition": ("policy", "section"),
    "reading": ("policy", "word", "text"),
    "reading_section": ("policy", "word", "section"),
    "choice": ("policy", "word", "word", "text"),
    "default_choice": ("policy", "word", "word"),
}
"""What a policy file says: each statement with the roles of its arguments."""

STATIC_STATEMENTS = frozenset(POLICY_STATEMENTS) - {
    "applies",
    "met",
    "months",
    "months_up_to",
    "quantity",
    "refers",
    "denies",
    "advises",
}
"""Statements about the policy itself, the same for every patient."""

VOCABULARY_STATEMENTS: Mapping[str, tuple[str, ...]] = {
    "fact": ("word", "kind", "changer"),
    "title": ("word", "text"),
    "question": ("word", "text"),
    "unit": ("word", "text"),
    "range": ("word", "integer", "integer"),
    "decimals": ("word", "count"),
    "value": ("word", "word", "text"),
    "member": ("word", "word"),
    "class": ("word", "text"),
    "drug": ("word", "text"),
    "drug_class": ("word", "word"),
    "brand": ("word", "text"),
    "code": ("word", "word", "text", "text", "text"),
    "diagnosis": ("word", "text"),
    "icd10": ("word", "text", "text"),
    "icd10_trap": ("word", "text", "text", "text"),
    "contradiction": ("word", "text"),
    "impossible": ("word",),
}
"""What a vocabulary file says."""

CONDITIONS: Mapping[str, tuple[str, ...]] = {
    "yes": ("boolean fact",),
    "is": ("choice fact", "value"),
    "includes": ("set fact", "member"),
    "at_least": ("number fact", "number"),
    "more_than": ("number fact", "number"),
    "at_most": ("number fact", "number"),
    "less_than": ("number fact", "number"),
}
"""What a rule may ask of a case."""

POLICY_CONDITIONS: Mapping[str, tuple[str, ...]] = {
    **CONDITIONS,
    "reads": ("policy", "word", "word"),
    "since": ("version",),
    "before": ("version",),
    "partner": ("policy", "drug"),
    "exact_combination": ("policy", "section"),
    "included_combination": ("policy", "section"),
    "approved": ("policy",),
    "drug_class": ("drug", "class"),
}
"""What a rule of a policy may ask besides: its readings, its dates, and what the language derives."""

RESERVED = frozenset(
    {"part", "approves", "outcome", "answer", "reaches", "as_of", "looked_at", "compares"}
    | {"lacks_partner", "has_further_partner", "has_unmet_part", "has_met_part", "served"}
    | {"turns", "step"}
)
"""Predicates of the engine's own encodings, which no file may define or ask for."""

_IN_STRING = re.compile(r"^<(?:string|block)>:(\d+):(\d+)(?:-[\d:]+)?: (?:error|info): ", re.MULTILINE)


@dataclass(frozen=True, slots=True, order=True)
class Comparison:
    """A rule compares a number with a threshold; it turns where the number reaches `least`."""

    comparison: str
    fact: str
    threshold: int | str
    least: int


@dataclass(slots=True)
class Asked:
    """What rules ask of the facts of a case."""

    facts: set[str] = field(default_factory=set)
    comparisons: set[Comparison] = field(default_factory=set)


class _WrongArgument(Exception):
    """An argument does not fit its role; the message says what is wrong."""


def parse(text: str, file: str) -> list[AST]:
    """Parse a file that passed the gate into rules, alternatives spelt out.

    Raises KnowledgeBaseError where the text is not a list of plain rules.
    """
    messages: list[tuple[MessageCode, str]] = []
    statements: list[AST] = []
    try:
        parse_string(text, statements.append, logger=lambda *message: messages.append(message))
    except RuntimeError as error:
        messages = messages or [(MessageCode.RuntimeError, str(error))]
    if messages:
        raise KnowledgeBaseError([clingo_problem(message, file) for _, message in messages])
    left_out = (ASTType.Program, ASTType.Comment)
    rules = [rule for rule in statements if rule.ast_type not in left_out]
    problems = [problem for rule in rules for problem in _not_plain(rule, file)]
    if problems:
        raise KnowledgeBaseError(problems)
    return [plain for rule in rules for plain in rule.unpool()]


def clingo_problem(message: str, file: str) -> FileProblem:
    """Turn a message of clingo about a text into a problem with file, line and column."""
    place = _IN_STRING.match(message)
    line, column = (int(place[1]), int(place[2])) if place else (None, None)
    sentence = " ".join(_IN_STRING.sub("", message).split())
    return FileProblem(file, line, column, sentence)


def _not_plain(rule: AST, file: str) -> Iterator[FileProblem]:
    """Find what is more than a plain rule: one head, and a body of literals and (in)equalities."""
    if rule.ast_type is not ASTType.Rule:
        yield _problem(file, rule, "only facts and rules are part of the policy language")
        return
    head = rule.head
    if head.ast_type is ASTType.Disjunction:
        yield _problem(file, head, "a rule states one thing; disjunctions are not allowed")
    elif head.ast_type is not ASTType.Literal:
        yield _problem(file, rule, "a rule states one thing in its head")
    elif head.atom.ast_type is ASTType.BooleanConstant:
        yield _problem(file, rule, "constraints are not allowed: a policy decides, it forbids nothing")
    elif head.atom.ast_type is not ASTType.SymbolicAtom or head.sign != Sign.NoSign:
        yield _problem(file, head, "the head of a rule is a statement, without not or comparison")
    else:
        yield from _not_flat(head.atom.symbol, file)
    for literal in rule.body:
        if literal.ast_type is not ASTType.Literal:
            yield _problem(file, literal, "a body holds literals and comparisons only")
        elif literal.sign == Sign.DoubleNegation:
            yield _problem(file, literal, "double negation is not part of the policy language")
        elif literal.atom.ast_type is ASTType.SymbolicAtom:
            yield from _not_flat(literal.atom.symbol, file)
        elif literal.atom.ast_type is ASTType.Comparison:
            for term in (literal.atom.term, *(guard.term for guard in literal.atom.guards)):
                yield from _not_simple(term, file)
        else:
            yield _problem(file, literal, "a body holds literals and comparisons only")


def _not_flat(symbol: AST, file: str) -> Iterator[FileProblem]:
    if symbol.ast_type is not ASTType.Function or not symbol.name:
        yield _problem(file, symbol, "a statement is a name with arguments")
        return
    for argument in symbol.arguments:
        terms = argument.arguments if argument.ast_type is ASTType.Pool else [argument]
        for term in terms:
            yield from _not_simple(term, file)


def _not_simple(term: AST, file: str) -> Iterator[FileProblem]:
    named = term.ast_type is ASTType.Function and term.name and not term.arguments
    if term.ast_type not in (ASTType.SymbolicTerm, ASTType.Variable) and not named:
        yield _problem(
            file, term, "an argument is a number, a text in quotes, a word or a variable"
        )


def _problem(file: str, node: AST, message: str) -> FileProblem:
    begin = node.location.begin
    return FileProblem(file, begin.line, begin.column, message)


class FileCheck:
    """The check of one file: collects its problems, and what its rules ask of the facts."""

    def __init__(
        self,
        file: str,
        rules: Sequence[AST],
        vocabulary: Vocabulary | None,
    ) -> None:
        self.file = file
        self.rules = rules
        self.vocabulary = vocabulary
        self.asked = Asked()
        self.problems: dict[FileProblem, None] = {}

    def policy(self) -> None:
        """Check the rules of a policy file."""
        if not self.policy_number:
            self._add(None, 'a policy file states policy("number", "payer", drug, "title") once')
            return
        for rule in self.rules:
            self._check(rule, POLICY_STATEMENTS, POLICY_CONDITIONS, own=True)

    def contradictions(self) -> None:
        """Check the rules of a vocabulary file; without a vocabulary only their shape."""
        for rule in self.rules:
            conditions = CONDITIONS if self.vocabulary else {}
            self._check(rule, VOCABULARY_STATEMENTS, conditions, own=False)

    @cached_property
    def policy_number(self) -> str:
        """The number the file's one policy statement gives; empty if there is none."""
        numbers = sorted({arguments[0] for arguments in self._stated("policy")})
        return numbers[0] if len(numbers) == 1 else ""

    @cached_property
    def version_dates(self) -> tuple[str, ...]:
        """The days on which the policy's versions begin, in order."""
        return tuple(sorted(self._sections.get("version", ())))

    @cached_property
    def _choices(self) -> Mapping[str, frozenset[str]]:
        choices: dict[str, set[str]] = {}
        for arguments in self._stated("choice"):
            if len(arguments) > 2:
                choices.setdefault(arguments[1], set()).add(arguments[2])
        return {reading: frozenset(names) for reading, names in choices.items()}

    @cached_property
    def _sections(self) -> Mapping[str, frozenset[str]]:
        """The sections each statement is made about."""
        sections: dict[str, set[str]] = {}
        for rule in self.rules:
            head = rule.head.atom.symbol
            if len(head.arguments) > 1:
                sections.setdefault(head.name, set()).add(_text(head.arguments[1]))
        return {statement: frozenset(stated) for statement, stated in sections.items()}

    @cached_property
    def _defined(self) -> frozenset[tuple[str, int]]:
        heads = (rule.head.atom.symbol for rule in self.rules)
        return frozenset((head.name, len(head.arguments)) for head in heads)

    def _stated(self, name: str) -> Iterator[tuple[str, ...]]:
        for rule in self.rules:
            head = rule.head.atom.symbol
            if head.name == name:
                yield tuple(_text(argument) for argument in head.arguments)

    def _check(
        self,
        rule: AST,
        statements: Mapping[str, tuple[str, ...]],
        conditions: Mapping[str, tuple[str, ...]],
        *,
        own: bool,
    ) -> None:
        """Check one rule; `own` says whether the file may define predicates of its own."""
        head = rule.head.atom.symbol
        if head.name in statements:
            self._check_arguments(head, statements[head.name])
        elif head.name in RESERVED or head.name in {*conditions, *VOCABULARY_STATEMENTS}:
            self._add(head, f"{head.name} is defined by the language, not by a file")
        elif not own:
            self._add(head, f"{head.name} is no statement of a vocabulary")
        if head.name == "months_up_to" and len(head.arguments) == 4:
            self._ask_months(head.arguments[3])
        for literal in rule.body:
            if literal.atom.ast_type is not ASTType.SymbolicAtom:
                continue
            atom = literal.atom.symbol
            roles = conditions.get(atom.name) or statements.get(atom.name)
            if roles:
                self._check_arguments(atom, roles)
                self._check_section(atom)
            elif (
                atom.name in RESERVED or (atom.name, len(atom.arguments)) not in self._defined
            ) and self.vocabulary:
                known = {*conditions, *(name for name, _ in self._defined)} - {atom.name}
                self._add(
                    atom,
                    f"{atom.name} with {len(atom.arguments)} arguments is not defined"
                    f"{did_you_mean(atom.name, known)}",
                )

    def _check_section(self, atom: AST) -> None:
        """Check that a section a rule asks about is stated somewhere in the file."""
        statement = {
            "met": "criterion",
            "exact_combination": "combination",
            "included_combination": "combination",
        }.get(atom.name)
        if statement and len(atom.arguments) == 2:
            section = atom.arguments[1]
            stated = self._sections.get(statement, frozenset())
            if section.ast_type is ASTType.SymbolicTerm and _text(section) not in stated:
                meant = did_you_mean(_text(section), stated)
                self._add(section, f"no {statement} is stated for section {_text(section)!r}{meant}")

    def _check_arguments(self, atom: AST, roles: tuple[str, ...]) -> None:
        if len(atom.arguments) != len(roles):
            self._add(
                atom,
                f"{atom.name} takes {len(roles)} arguments ({', '.join(roles)}), "
                f"not {len(atom.arguments)}",
            )
            return
        arguments = list(atom.arguments)
        for place, (argument, role) in enumerate(zip(arguments, roles, strict=True), start=1):
            try:
                self._check_argument(atom, arguments, argument, role)
            except _WrongArgument as wrong:
                self._add(argument, f"{atom.name}, argument {place}: {wrong}")

    def _check_argument(self, atom: AST, arguments: list[AST], argument: AST, role: str) -> None:
        if argument.ast_type is ASTType.Variable:
            if role.endswith(" fact") or role in ("policy", "number", "version", "months"):
                raise _WrongArgument(f"a {role} is named, not a variable")
            if role == "value" or role == "member":
                self._fact(arguments[0])
            return
        check: Callable[[AST], None] | None = {
            "policy": self._own_policy,
            "text": _is_text,
            "section": _is_text,
            "word": _is_word,
            "integer": _is_integer,
            "count": _is_count,
            "months": _is_count,
            "date": _is_date,
            "end": lambda end: None if _text(end) == "open" else _is_date(end),
            "status": _one_of("status", ("published", "reconstructed")),
            "basis": _one_of("basis", ("not_medically_necessary", "investigational")),
            "kind": _one_of("kind", [kind.value for kind in Kind]),
            "changer": _one_of("changer", [changer.value for changer in Changer]),
            "drug": self._drug,
            "class": self._class,
            "version": self._version,
        }.get(role)
        if check is not None:
            check(argument)
        elif role.endswith(" fact"):
            self._fact(argument, Kind(role.removesuffix(" fact")))
        elif role in ("value", "member"):
            self._option(arguments[0], argument, role)
        elif role == "number":
            self._compare(atom.name, arguments[0], argument)
        if atom.name == "reads" and argument is arguments[2]:
            self._choice(arguments[1], argument)

    def _own_policy(self, argument: AST) -> None:
        _is_text(argument)
        if _text(argument) != self.policy_number:
            raise _WrongArgument(f"the file speaks of its own policy, {self.policy_number!r}, alone")

    def _fact(self, argument: AST, kind: Kind | None = None) -> None:
        _is_word(argument)
        name = _text(argument)
        facts = self.vocabulary.facts if self.vocabulary else {}
        if name not in facts:
            raise _WrongArgument(f"fact {name!r} is not in the vocabulary{did_you_mean(name, facts)}")
        if kind and facts[name].kind is not kind:
            raise _WrongArgument(f"fact {name!r} is a {facts[name].kind}, not a {kind}")
        self.asked.facts.add(name)

    def _option(self, fact: AST, argument: AST, role: str) -> None:
        facts = self.vocabulary.facts if self.vocabulary else {}
        name, option = _text(fact), _text(argument)
        if name not in facts:
            return
        _is_word(argument)
        options = facts[name].values
        if option not in options:
            raise _WrongArgument(
                f"{option!r} is no {role} of {name!r}{did_you_mean(option, options)}"
            )

    def _compare(self, comparison: str, fact: AST, argument: AST) -> None:
        """Find where the comparison turns. A decimal is written as a text: "2.3"."""
        facts = self.vocabulary.facts if self.vocabulary else {}
        number = facts.get(_text(fact))
        if number is None or number.kind is not Kind.NUMBER:
            return
        threshold = _text(argument)
        if not re.fullmatch(r"\d{1,9}(\.\d{1,9})?", threshold):
            raise _WrongArgument('the number is written as 4 or, with decimals, as "2.3"')
        steps = number.steps(Decimal(threshold))
        if steps is None:
            raise _WrongArgument(f"{number.name!r} has {number.decimals} decimals, not more")
        least = steps + 1 if comparison in ("more_than", "at_most") else steps
        if not number.lowest < least <= number.highest:
            raise _WrongArgument(
                f"the comparison never turns: {number.name!r} lies between "
                f"{number.number(number.lowest)} and {number.number(number.highest)}"
            )
        written = threshold if argument.symbol.type.name == "String" else int(threshold)
        self.asked.comparisons.add(Comparison(comparison, number.name, written, least))

    def _ask_months(self, most: AST) -> None:
        """A duration of at most so many months turns at every month up to that many."""
        if self.vocabulary and most.ast_type is ASTType.SymbolicTerm and _text(most).isdigit():
            requested = self.vocabulary.facts["requested_months"]
            self.asked.facts.add(requested.name)
            self.asked.comparisons |= {
                Comparison("at_least", requested.name, months, months)
                for months in range(1, min(int(_text(most)), requested.highest) + 1)
            }

    def _drug(self, argument: AST) -> None:
        _is_word(argument)
        drugs = self.vocabulary.drugs if self.vocabulary else {}
        if _text(argument) not in drugs:
            raise _WrongArgument(
                f"drug {_text(argument)!r} is not in the vocabulary"
                f"{did_you_mean(_text(argument), drugs)}"
            )

    def _class(self, argument: AST) -> None:
        _is_word(argument)
        classes = self.vocabulary.classes if self.vocabulary else {}
        if _text(argument) not in classes:
            raise _WrongArgument(
                f"drug class {_text(argument)!r} is not in the vocabulary"
                f"{did_you_mean(_text(argument), classes)}"
            )

    def _version(self, argument: AST) -> None:
        if _text(argument) not in self.version_dates:
            raise _WrongArgument(
                f"{_text(argument)!r} is not the first day of a version "
                f"({', '.join(self.version_dates)})"
            )

    def _choice(self, reading: AST, argument: AST) -> None:
        name, choice = _text(reading), _text(argument)
        choices = self._choices.get(name)
        if choices is None:
            raise _WrongArgument(f"reading {name!r} has no choices{did_you_mean(name, self._choices)}")
        if choice not in choices:
            raise _WrongArgument(
                f"{choice!r} is no choice of reading {name!r}{did_you_mean(choice, choices)}"
            )

    def _add(self, node: AST | None, message: str) -> None:
        problem = (
            _problem(self.file, node, message)
            if node is not None
            else FileProblem(self.file, None, None, message)
        )
        self.problems[problem] = None


def _text(argument: AST) -> str:
    """The argument as text: a string's content, a number's digits, a word, a variable's name."""
    if argument.ast_type is ASTType.SymbolicTerm:
        symbol = argument.symbol
        return symbol.string if symbol.type.name == "String" else str(symbol)
    return str(argument)


def _is_text(argument: AST) -> None:
    if argument.ast_type is not ASTType.SymbolicTerm or argument.symbol.type.name != "String":
        raise _WrongArgument("expected a text in quotes")


def _is_word(argument: AST) -> None:
    if not re.fullmatch(r"[a-z][A-Za-z0-9_]*", str(argument)):
        raise _WrongArgument("expected a word in lower case, without quotes")


def _is_integer(argument: AST) -> None:
    if argument.ast_type is not ASTType.SymbolicTerm or argument.symbol.type.name != "Number":
        raise _WrongArgument("expected a whole number")


def _is_count(argument: AST) -> None:
    _is_integer(argument)
    if argument.symbol.number < 1:
        raise _WrongArgument("expected a whole number from 1 on")


def _is_date(argument: AST) -> None:
    _is_text(argument)
    try:
        valid = date.fromisoformat(_text(argument)).isoformat() == _text(argument)
    except ValueError:
        valid = False
    if not valid:
        raise _WrongArgument('expected a date such as "2025-08-01"')


def _one_of(what: str, words: Iterable[str]) -> Callable[[AST], None]:
    known = tuple(words)

    def check(argument: AST) -> None:
        if _text(argument) not in known:
            raise _WrongArgument(f"expected a {what}: {', '.join(known)}")

    return check
