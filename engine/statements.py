"""The statements a file of a knowledge base may hold, checked one by one against the vocabulary.

clingo drops a rule whose body cannot hold without a word, so a misspelt fact would silently change
who is approved. Here every predicate, fact, value, date and reading a rule names has to exist. What
the rules ask of the facts is collected on the way: which facts they look at, and where numbers turn.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from itertools import islice, pairwise
from math import prod

import clingo
from clingo.ast import AST, ASTType, ComparisonOperator, Sign, parse_string

from engine.evidence import EVIDENCE_STATEMENTS, STATISTICS, TERM_SORTS, WORDS, wrong_identifier
from engine.gate import MOST_PROBLEMS
from engine.policy import CONNECTIVES
from engine.references import CATEGORIES, PREFERENCES, REFERENCE_KINDS
from facts.case import is_date
from facts.errors import FileProblem, KnowledgeBaseError, did_you_mean
from facts.vocabulary import Changer, Kind, Vocabulary

MOST_STATEMENTS = 10_000
"""Of one file, alternatives spelt out; the packaged policies have below 1,000."""

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

REFERENCE_STATEMENTS: Mapping[str, tuple[str, ...]] = {
    "reference": ("reference", "reference kind", "subject", "text"),
    "source": ("reference", "text"),
    "version": ("reference", "date", "end", "status", "text"),
    "statement": ("reference", "section", "text"),
    "reported_by": ("reference", "section", "text"),
    "combination": ("reference", "section", "text", "drug"),
    "supports": ("reference", "section"),
    "limits": ("reference", "section"),
    "category": ("reference", "section", "category"),
    "preference": ("reference", "section", "preference"),
    "dose": ("reference", "section", "amount", "dose unit", "count", "count"),
    "dose_reduction": ("reference", "section", "amount", "dose unit"),
    "strength": ("reference", "section", "amount", "dose unit", "word"),
    "contradicts": ("reference", "section", "text", "section", "text"),
    **EVIDENCE_STATEMENTS,
}
"""What a reference file says: a label, a guideline or other evidence that is no payer's policy."""

STATIC_STATEMENTS = frozenset({*POLICY_STATEMENTS, *REFERENCE_STATEMENTS}) - {
    "applies",
    "met",
    "months",
    "months_up_to",
    "quantity",
    "refers",
    "denies",
    "advises",
    "supports",
    "limits",
}
"""Statements about the document itself, the same for every patient."""

TIMELESS_STATEMENTS = frozenset(
    {"policy", "reference", "source", "version"}
    | {"reading", "reading_section", "choice", "default_choice"}
)
"""Statements that hold for all versions alike."""

VOCABULARY_STATEMENTS: Mapping[str, tuple[str, ...]] = {
    "fact": ("word", "kind", "changer"),
    "title": ("word", "text"),
    "question": ("word", "text"),
    "unit": ("word", "text"),
    "range": ("word", "integer", "integer"),
    "decimals": ("word", "count"),
    "grows": ("word",),
    "passes": ("word", "word"),
    "value": ("word", "word", "text"),
    "member": ("word", "word"),
    "class": ("word", "text"),
    "drug": ("word", "text"),
    "drug_class": ("word", "word"),
    "brand": ("word", "text"),
    "code": ("word", "word", "text", "text", "text"),
    "diagnosis": ("word", "text"),
    "icd10": ("word", "text", "text"),
    "icd10_caution": ("word", "text", "text"),
    "icd10_trap": ("word", "text", "text", "text"),
    "measurement": ("word", "text"),
    "measured_in": ("word", "text"),
    "result": ("word", "word"),
    "term": ("term sort", "word", "text"),
    "contradiction": ("word", "text"),
    "impossible": ("contradiction",),
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

CONTRADICTION_CONDITIONS: Mapping[str, tuple[str, ...]] = {
    **CONDITIONS,
    "drug_class": ("drug", "class"),
}
"""What a contradiction of the vocabulary may ask."""

POLICY_CONDITIONS: Mapping[str, tuple[str, ...]] = {
    **CONTRADICTION_CONDITIONS,
    "reads": ("policy", "reading", "choice"),
    "since": ("version",),
    "before": ("version",),
    "partner": ("policy", "drug"),
    "exact_combination": ("policy", "section"),
    "included_combination": ("policy", "section"),
    "approved": ("policy",),
}
"""What a rule of a policy may ask besides: its readings, its dates, and what the language derives."""

REFERENCE_CONDITIONS: Mapping[str, tuple[str, ...]] = {
    **CONTRADICTION_CONDITIONS,
    "since": ("version",),
    "before": ("version",),
    "partner": ("reference", "drug"),
    "exact_combination": ("reference", "section"),
    "included_combination": ("reference", "section"),
}
"""What a rule of a reference may ask besides: it has no readings, and it approves nothing."""

RESERVED = frozenset(
    {"part", "approves", "outcome", "answer", "states", "reaches", "as_of", "looked_at", "compares"}
    | {"lacks_partner", "has_further_partner", "has_unmet_part", "has_met_part", "served"}
    | {"turns", "step", "prefers"}
)
"""Predicates of the engine's own encodings, which no file may define or ask for."""

_NAMED = frozenset(
    {"policy", "number", "version", "months", "count", "basis", "reading", "contradiction"}
    | {"reference", "category", "preference", "amount"}
    | {role for roles in EVIDENCE_STATEMENTS.values() for role in roles}
) - {"section", "text", "drug"}
"""Roles for which a variable may not stand: what they say is checked in the file as it is."""

_IN_STRING = re.compile(
    r"^<(?:string|block)>:(\d+):(\d+)(?:-[\d:]+)?: (?:error|info): ", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Document:
    """A kind of dated file, named by the statement that opens it: a policy or a reference.

    `form` shows that statement, whose first argument is the document's `identity`; `place` says
    where such a file belongs, and `needed` what each must state besides.
    """

    name: str
    identity: str
    form: str
    place: str
    statements: Mapping[str, tuple[str, ...]]
    conditions: Mapping[str, tuple[str, ...]]
    needed: tuple[str, ...]


POLICY = Document(
    name="policy",
    identity="number",
    form='policy("number", "payer", drug, "title")',
    place="outside the folders named vocabulary and references",
    statements=POLICY_STATEMENTS,
    conditions=POLICY_CONDITIONS,
    needed=("version", "pathway"),
)
REFERENCE = Document(
    name="reference",
    identity="name",
    form='reference("name", kind, drug, "title")',
    place="below a folder named references",
    statements=REFERENCE_STATEMENTS,
    conditions=REFERENCE_CONDITIONS,
    needed=("version", "statement"),
)


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


class _WrongArgumentError(Exception):
    """An argument does not fit its role; the message says what is wrong."""


def parse(text: str, file: str) -> list[AST]:
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
    rules = [rule for rule in statements if rule.ast_type not in left_out]
    _refuse(problem for rule in rules for problem in _not_plain(rule, file))
    _refuse(_too_many(rules, file))
    plain_rules = [plain for rule in rules for plain in rule.unpool()]
    _refuse(problem for rule in plain_rules for problem in _unbound(rule, file))
    return plain_rules


def _refuse(found: Iterable[FileProblem]) -> None:
    problems = list(islice(dict.fromkeys(found), MOST_PROBLEMS))
    if problems:
        raise KnowledgeBaseError(problems)


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
        yield _problem(
            file, rule, "constraints are not allowed: a policy decides, it forbids nothing"
        )
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
            if literal.sign == Sign.Negation and _has_alternatives(literal.atom.symbol):
                message = (
                    "not stands before one condition, not before alternatives: one of them would do"
                )
                yield _problem(file, literal, message)
        elif literal.atom.ast_type is ASTType.Comparison:
            for term in (literal.atom.term, *(guard.term for guard in literal.atom.guards)):
                yield from _not_simple(term, file)
        else:
            yield _problem(file, literal, "a body holds literals and comparisons only")


def _not_flat(symbol: AST, file: str) -> Iterator[FileProblem]:
    if symbol.ast_type is ASTType.Pool:
        yield _problem(file, symbol, "alternatives stand in their own parentheses: name((a; b))")
        return
    if symbol.ast_type is not ASTType.Function or not symbol.name:
        yield _problem(file, symbol, "a statement is a name with arguments")
        return
    for argument in symbol.arguments:
        terms = argument.arguments if argument.ast_type is ASTType.Pool else [argument]
        for term in terms:
            yield from _not_simple(term, file)


def _has_alternatives(symbol: AST) -> bool:
    return symbol.ast_type is ASTType.Function and any(
        argument.ast_type is ASTType.Pool for argument in symbol.arguments
    )


def _not_simple(term: AST, file: str) -> Iterator[FileProblem]:
    named = term.ast_type is ASTType.Function and term.name and not term.arguments
    if term.ast_type not in (ASTType.SymbolicTerm, ASTType.Variable) and not named:
        yield _problem(
            file, term, "an argument is a number, a text in quotes, a word or a variable"
        )


def _too_many(rules: Iterable[AST], file: str) -> Iterator[FileProblem]:
    """Count the statements with their alternatives before they are spelt out."""
    stated = 0
    for rule in rules:
        atoms = [literal.atom for literal in (rule.head, *rule.body)]
        symbols = [atom.symbol for atom in atoms if atom.ast_type is ASTType.SymbolicAtom]
        stated += prod(
            len(argument.arguments)
            for symbol in symbols
            for argument in symbol.arguments
            if argument.ast_type is ASTType.Pool
        )
        if stated > MOST_STATEMENTS:
            yield _problem(
                file, rule, f"more than {MOST_STATEMENTS:,} statements, alternatives spelt out"
            )
            return


def _unbound(rule: AST, file: str) -> Iterator[FileProblem]:
    """Find the variables that nothing in the body gives a value."""
    bound: set[str] = set()
    equal: list[tuple[AST, AST]] = []
    needed = list(rule.head.atom.symbol.arguments)
    for literal in rule.body:
        atom, plain = literal.atom, literal.sign == Sign.NoSign
        if atom.ast_type is ASTType.Comparison:
            terms = [atom.term, *(guard.term for guard in atom.guards)]
            needed += terms
            if plain and all(guard.comparison == ComparisonOperator.Equal for guard in atom.guards):
                equal += pairwise(terms)
        elif plain:
            bound |= {str(term) for term in atom.symbol.arguments}
        else:
            needed += [term for term in atom.symbol.arguments if str(term) != "_"]
    bound.discard("_")

    def has_value(term: AST) -> bool:
        return term.ast_type is not ASTType.Variable or term.name in bound

    for _ in equal:
        bound |= {str(term) for pair in equal if any(map(has_value, pair)) for term in pair}
    for term in needed:
        if not has_value(term):
            message = f"variable {term.name} has no value: no statement of the body holds it"
            yield _problem(file, term, message)


def _problem(file: str, node: AST, message: str) -> FileProblem:
    begin = node.location.begin
    return FileProblem(file, begin.line, begin.column, message)


class FileCheck:
    """The check of one file: collects its problems, and what its rules ask of the facts."""

    def __init__(
        self,
        file: str,
        rules: Sequence[AST],
        vocabulary: Vocabulary,
    ) -> None:
        self.file = file
        self.rules = rules
        self.vocabulary = vocabulary
        self.asked = Asked()
        self.problems: dict[FileProblem, None] = {}

    def policy(self) -> None:
        """Check the rules of a policy file."""
        self._document(POLICY, REFERENCE)

    def reference(self) -> None:
        """Check the rules of a reference file."""
        self._document(REFERENCE, POLICY)

    def _document(self, document: Document, other: Document) -> None:
        if not self._own_names[document.name]:
            heads = {rule.head.atom.symbol.name: rule.head.atom.symbol for rule in self.rules}
            if document.name in heads:
                message = f"a file states one {document.name}, its {document.identity} a text"
                self._add(heads[document.name], f"{message}: {document.form}")
            elif other.name in heads:
                message = f"a {other.name} belongs {other.place}"
                self._add(heads[other.name], f"{message}; here, a file states {document.form}")
            else:
                self._add(None, f"the file states no {document.name}: {document.form}")
            return
        self._check_all(
            self.rules, document.statements, {**document.statements, **document.conditions}
        )
        for statement in document.needed:
            if statement not in self._sections.keys() | self._open:
                self._add(None, f"the {document.name} states no {statement}")

    def vocabulary_statements(self) -> None:
        """Check the statements of a vocabulary file, apart from what is impossible."""
        conditions = {
            name: roles for name, roles in VOCABULARY_STATEMENTS.items() if name != "impossible"
        }
        rules = [rule for rule in self.rules if rule.head.atom.symbol.name != "impossible"]
        self._check_all(rules, VOCABULARY_STATEMENTS, conditions)

    def contradictions(self) -> None:
        """Check what a vocabulary file says is impossible."""
        rules = [rule for rule in self.rules if rule.head.atom.symbol.name == "impossible"]
        self._check_all(rules, VOCABULARY_STATEMENTS, CONTRADICTION_CONDITIONS)
        for rule in rules:
            if not rule.body:
                self._add(rule, "impossible without a condition: no case could be decided")

    def place(self, statement: str, subject: str, message: str) -> FileProblem:
        """Place a problem at the last rule that states something of a subject, if there is one."""
        for rule in reversed(self.rules):
            head = rule.head.atom.symbol
            if head.name == statement and subject in map(_text, head.arguments):
                return _problem(self.file, head, message)
        return FileProblem(self.file, None, None, message)

    @cached_property
    def _own_names(self) -> Mapping[str, str]:
        """The name the file's one policy or reference statement gives; empty if there is none."""
        names: dict[str, set[str]] = {document.name: set() for document in (POLICY, REFERENCE)}
        for rule in self.rules:
            head = rule.head.atom.symbol
            if head.name in names and head.arguments:
                named = head.arguments[0]
                names[head.name].add(_text(named) if _is_string(named) else "")
        return {name: stated.pop() if len(stated) == 1 else "" for name, stated in names.items()}

    @cached_property
    def version_dates(self) -> tuple[str, ...]:
        """The days on which the document's versions begin, in order."""
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
        """The sections each statement is made about, where they are named."""
        sections: dict[str, set[str]] = {}
        for rule in self.rules:
            head = rule.head.atom.symbol
            if len(head.arguments) > 1 and head.arguments[1].ast_type is not ASTType.Variable:
                sections.setdefault(head.name, set()).add(_text(head.arguments[1]))
        return {statement: frozenset(stated) for statement, stated in sections.items()}

    @cached_property
    def _open(self) -> frozenset[str]:
        """Name the statements made about a section that a variable stands for."""
        heads = (rule.head.atom.symbol for rule in self.rules)
        return frozenset(
            head.name
            for head in heads
            if len(head.arguments) > 1 and head.arguments[1].ast_type is ASTType.Variable
        )

    @cached_property
    def _defined(self) -> frozenset[tuple[str, int]]:
        heads = (rule.head.atom.symbol for rule in self.rules)
        return frozenset((head.name, len(head.arguments)) for head in heads)

    def _stated(self, name: str) -> Iterator[tuple[str, ...]]:
        for rule in self.rules:
            head = rule.head.atom.symbol
            if head.name == name:
                yield tuple(_text(argument) for argument in head.arguments)

    def _check_all(
        self,
        rules: Iterable[AST],
        statements: Mapping[str, tuple[str, ...]],
        conditions: Mapping[str, tuple[str, ...]],
    ) -> None:
        for rule in rules:
            self._check(rule, statements, conditions)
            if len(self.problems) >= MOST_PROBLEMS:
                return

    def _check(
        self,
        rule: AST,
        statements: Mapping[str, tuple[str, ...]],
        conditions: Mapping[str, tuple[str, ...]],
    ) -> None:
        """Check one rule: what its head states, and what its body asks."""
        self._check_head(rule, statements, conditions)
        for literal in rule.body:
            if literal.atom.ast_type is not ASTType.SymbolicAtom:
                guards = (guard.term for guard in literal.atom.guards)
                self._check_words((literal.atom.term, *guards))
                continue
            atom = literal.atom.symbol
            if atom.name in conditions:
                self._check_arguments(atom, conditions[atom.name])
                self._check_section(atom)
            elif atom.name in RESERVED:
                self._add(atom, f"{atom.name} belongs to the engine: no file may ask for it")
            elif (atom.name, len(atom.arguments)) not in self._defined:
                known = {*conditions, *(name for name, _ in self._defined)} - {atom.name}
                self._add(
                    atom,
                    f"{atom.name} with {len(atom.arguments)} arguments is not defined"
                    f"{did_you_mean(atom.name, known)}",
                )
            else:
                self._check_words(atom.arguments)

    def _check_head(
        self,
        rule: AST,
        statements: Mapping[str, tuple[str, ...]],
        conditions: Mapping[str, tuple[str, ...]],
    ) -> None:
        head = rule.head.atom.symbol
        if head.name in statements:
            self._check_arguments(head, statements[head.name])
        elif head.name in RESERVED or head.name in {*conditions, *VOCABULARY_STATEMENTS}:
            self._add(head, f"{head.name} is defined by the language, not by a file")
        elif statements is VOCABULARY_STATEMENTS:
            self._add(head, f"{head.name} is no statement of a vocabulary")
        elif head.name in POLICY_CONDITIONS:
            self._add(head, f"{head.name} is defined by the language, not by a file")
        elif head.name in REFERENCE_STATEMENTS:
            self._add(head, f"{head.name} is stated in references alone, not in a policy")
        elif head.name in POLICY_STATEMENTS:
            self._add(head, f"{head.name} is stated in policies alone, not in a reference")
        if head.name in TIMELESS_STATEMENTS and (rule.body or _has_variable(head)):
            self._add(head, f"{head.name} is stated without conditions and without variables")
        if head.name == "met" and len(head.arguments) == 2:
            section = _text(head.arguments[1])
            if any(section in self._sections.get(name, ()) for name in CONNECTIVES):
                self._add(head, f"criterion {section!r} has parts, so it has no rule of its own")
        if head.name == "months_up_to" and len(head.arguments) == 4:
            self._ask_months(head.arguments[3])

    def _check_words(self, terms: Iterable[AST]) -> None:
        """Check that words a rule compares with are stated somewhere: no other can ever fit."""
        for term in terms:
            if term.ast_type is not ASTType.Variable and _is_one_word(term):
                word = _text(term)
                if word not in self._words:
                    meant = did_you_mean(word, self._words)
                    self._add(term, f"nothing states the word {word!r}{meant}")

    @cached_property
    def _words(self) -> frozenset[str]:
        """The words of the vocabulary, and those that heads of the file state."""
        words = {
            _text(argument)
            for rule in self.rules
            for argument in rule.head.atom.symbol.arguments
            if _is_one_word(argument)
        }
        words |= {*self.vocabulary.facts, *self.vocabulary.drugs, *self.vocabulary.classes}
        words |= {option for fact in self.vocabulary.facts.values() for option in fact.values}
        return frozenset(words)

    def _check_section(self, atom: AST) -> None:
        """Check that a section a rule asks about is stated somewhere in the file."""
        statements = {
            "met": ("criterion",),
            "exact_combination": ("combination",),
            "included_combination": ("combination",),
            "applies": ("pathway", "disposition"),
        }.get(atom.name)
        if statements and len(atom.arguments) == 2 and self._open.isdisjoint(statements):
            section = atom.arguments[1]
            stated = frozenset[str]().union(*(self._sections.get(name, ()) for name in statements))
            if section.ast_type is ASTType.SymbolicTerm and _text(section) not in stated:
                named = " or ".join(statements)
                meant = did_you_mean(_text(section), stated)
                self._add(section, f"no {named} is stated for section {_text(section)!r}{meant}")

    def _check_arguments(self, atom: AST, roles: tuple[str, ...]) -> None:
        if len(atom.arguments) != len(roles):
            self._add(
                atom,
                f"{atom.name} takes {len(roles)} arguments ({', '.join(roles)}), "
                f"not {len(atom.arguments)}",
            )
            return
        for place, role in enumerate(roles):
            try:
                self._check_argument(atom, place, role)
            except _WrongArgumentError as wrong:
                self._add(atom.arguments[place], f"{atom.name}, argument {place + 1}: {wrong}")

    def _check_argument(self, atom: AST, place: int, role: str) -> None:
        argument = atom.arguments[place]
        before = atom.arguments[max(place - 1, 0)]
        if argument.ast_type is ASTType.Variable:
            if role.endswith(" fact") or role in _NAMED:
                raise _WrongArgumentError(f"{_with_article(role)} is named, not a variable")
            return
        known = self.vocabulary
        check: Callable[[AST], None] | None = {
            "policy": lambda name: self._own_name(name, POLICY),
            "reference": lambda name: self._own_name(name, REFERENCE),
            "text": _is_text,
            "section": _is_text,
            "word": _is_word,
            "reading": _is_word,
            "integer": _is_integer,
            "count": _is_count,
            "months": self._months,
            "date": _is_date,
            "end": lambda end: None if _text(end) == "open" else _is_date(end),
            "status": _one_of("status", ("published", "reconstructed")),
            "basis": _one_of("basis", ("not_medically_necessary", "investigational")),
            "reference kind": _one_of("reference kind", REFERENCE_KINDS),
            "category": _is_category,
            "preference": _one_of("preference", PREFERENCES),
            "amount": _is_amount,
            "bound": _is_bound,
            "level": _is_level,
            "arm": _is_word,
            "subject": self._subject,
            "measurement": self._measurement,
            "measured unit": lambda unit: self._measured_unit(unit, *atom.arguments[2:4]),
            "result": lambda result: self._result(before, result),
            "figure unit": lambda unit: _is_figure_unit(unit, atom.arguments[3]),
            "identifier": lambda identifier: _is_identifier(identifier, before),
            "monitored": lambda name: self._term(name, "reaction", known.measurements),
            "measured outcome": lambda name: self._term(
                name, "endpoint", known.terms.get("reaction", {})
            ),
            "term sort": _one_of("sort of term", TERM_SORTS),
            "kind": _one_of("kind", [kind.value for kind in Kind]),
            "changer": _one_of("changer", [changer.value for changer in Changer]),
            "drug": lambda drug: self._named(drug, "drug", known.drugs),
            "class": lambda name: self._named(name, "drug class", known.classes),
            "version": self._version,
            "contradiction": lambda name: self._named(name, "contradiction", known.contradictions),
        }.get(role, _WORD_CHECKS.get(role))
        if check is not None:
            check(argument)
        elif role in TERM_SORTS:
            self._term(argument, role)
        elif role.endswith(" fact"):
            self._fact(argument, Kind(role.removesuffix(" fact")))
        elif role in ("value", "member"):
            self._option(before, argument, role)
        elif role == "number":
            self._compare(atom.name, before, argument)
        elif role == "choice":
            self._choice(before, argument)

    def _own_name(self, argument: AST, document: Document) -> None:
        _is_text(argument)
        own = self._own_names[document.name]
        if _text(argument) != own:
            raise _WrongArgumentError(f"the file speaks of its own {document.name}, {own!r}, alone")

    def _fact(self, argument: AST, kind: Kind | None = None) -> None:
        _is_word(argument)
        name = _text(argument)
        facts = self.vocabulary.facts
        if name not in facts:
            raise _WrongArgumentError(
                f"fact {name!r} is not in the vocabulary{did_you_mean(name, facts)}"
            )
        if kind and facts[name].kind is not kind:
            raise _WrongArgumentError(f"fact {name!r} is a {facts[name].kind}, not a {kind}")
        self.asked.facts.add(name)

    def _option(self, fact: AST, argument: AST, role: str) -> None:
        facts = self.vocabulary.facts
        name, option = _text(fact), _text(argument)
        if name not in facts:
            return
        _is_word(argument)
        options = facts[name].values
        if option not in options:
            raise _WrongArgumentError(
                f"{option!r} is no {role} of {name!r}{did_you_mean(option, options)}"
            )

    def _compare(self, comparison: str, fact: AST, argument: AST) -> None:
        """Find where the comparison turns. A decimal is written as a text: "2.3"."""
        facts = self.vocabulary.facts
        number = facts.get(_text(fact))
        if number is None or number.kind is not Kind.NUMBER:
            return
        _is_amount(argument)
        threshold = _text(argument)
        steps = number.steps(Decimal(threshold))
        if steps is None:
            raise _WrongArgumentError(
                f"{number.name!r} is written with at most {number.decimals} digits after the point"
            )
        least = steps + 1 if comparison in ("more_than", "at_most") else steps
        if not number.lowest < least <= number.highest:
            raise _WrongArgumentError(
                f"the comparison never turns: {number.name!r} lies between "
                f"{number.number(number.lowest)} and {number.number(number.highest)}"
            )
        written = threshold if argument.symbol.type is clingo.SymbolType.String else int(threshold)
        self.asked.comparisons.add(Comparison(comparison, number.name, written, least))

    def _ask_months(self, most: AST) -> None:
        """Let a duration of at most so many months turn at every month up to that many."""
        if most.ast_type is ASTType.SymbolicTerm and _text(most).isdigit():
            requested = self.vocabulary.facts["requested_months"]
            self.asked.facts.add(requested.name)
            self.asked.comparisons |= {
                Comparison("at_least", requested.name, months, months)
                for months in range(1, min(int(_text(most)), requested.highest) + 1)
            }

    def _months(self, argument: AST) -> None:
        _is_count(argument)
        longest = self.vocabulary.facts["requested_months"].highest
        if argument.symbol.number > longest:
            raise _WrongArgumentError(f"no more than {longest} months can be requested")

    def _named(self, argument: AST, what: str, known: Iterable[str]) -> None:
        _is_word(argument)
        name, names = _text(argument), list(known)
        if name not in names:
            raise _WrongArgumentError(
                f"{what} {name!r} is not in the vocabulary{did_you_mean(name, names)}"
            )

    def _subject(self, argument: AST) -> None:
        self._named(
            argument, "drug or diagnosis", [*self.vocabulary.drugs, *self.vocabulary.diagnoses]
        )

    def _term(self, argument: AST, sort: str, others: Iterable[str] = ()) -> None:
        self._named(argument, sort, [*self.vocabulary.terms.get(sort, ()), *others])

    def _measurement(self, argument: AST) -> None:
        facts = self.vocabulary.facts.values()
        numbers = (fact.name for fact in facts if fact.kind is Kind.NUMBER)
        self._named(argument, "measurement", [*self.vocabulary.measurements, *numbers])

    def _measured_unit(self, argument: AST, measurement: AST, change: AST) -> None:
        """Check the unit of a threshold: a change in percent is in %, all else as is measured."""
        _is_text(argument)
        name, facts = _text(measurement), self.vocabulary.facts
        if name in self.vocabulary.measurements:
            units = self.vocabulary.measurements[name].units
        else:
            units = (facts[name].unit,) if name in facts else ()
        if _text(change).startswith("percent_"):
            units = ("%",)
        if _text(argument) not in units:
            known = f"in {' or '.join(units)}" if units else "by its results, without a unit"
            raise _WrongArgumentError(f"{name!r} ({_text(change)}) is given {known}")

    def _result(self, measurement: AST, argument: AST) -> None:
        name = _text(measurement)
        if name in self.vocabulary.measurements:
            _one_of(f"result of {name}", self.vocabulary.measurements[name].results)(argument)
        else:
            raise _WrongArgumentError(f"{name!r} is a number: state a threshold of it")

    def _version(self, argument: AST) -> None:
        if _text(argument) not in self.version_dates:
            raise _WrongArgumentError(
                f"{_text(argument)!r} is not the first day of a version "
                f"({', '.join(self.version_dates)})"
            )

    def _choice(self, reading: AST, argument: AST) -> None:
        if reading.ast_type is ASTType.Variable:
            return
        name, choice = _text(reading), _text(argument)
        choices = self._choices.get(name)
        if choices is None:
            raise _WrongArgumentError(
                f"reading {name!r} has no choices{did_you_mean(name, self._choices)}"
            )
        if choice not in choices:
            raise _WrongArgumentError(
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
    """Read the argument as text: a string's content, a number's digits, a word, a variable's name."""
    if argument.ast_type is ASTType.SymbolicTerm:
        symbol = argument.symbol
        return symbol.string if symbol.type is clingo.SymbolType.String else str(symbol)
    return str(argument)


def _has_variable(atom: AST) -> bool:
    return any(argument.ast_type is ASTType.Variable for argument in atom.arguments)


def _is_string(argument: AST) -> bool:
    return (
        argument.ast_type is ASTType.SymbolicTerm
        and argument.symbol.type is clingo.SymbolType.String
    )


def _is_text(argument: AST) -> None:
    if not _is_string(argument):
        raise _WrongArgumentError("expected a text in quotes")
    if not _text(argument).strip():
        raise _WrongArgumentError("expected a text that is not empty")


def _is_one_word(argument: AST) -> bool:
    return re.fullmatch(r"[a-z][A-Za-z0-9_]*", str(argument)) is not None


def _is_word(argument: AST) -> None:
    if not _is_one_word(argument):
        raise _WrongArgumentError("expected a word in lower case, without quotes")


def _is_integer(argument: AST) -> None:
    if (
        argument.ast_type is not ASTType.SymbolicTerm
        or argument.symbol.type is not clingo.SymbolType.Number
    ):
        raise _WrongArgumentError("expected a whole number")


def _is_count(argument: AST) -> None:
    _is_integer(argument)
    if argument.symbol.number < 1:
        raise _WrongArgumentError("expected at least 1")


def _is_amount(argument: AST) -> None:
    if not re.fullmatch(r"\d{1,9}(\.\d{1,9})?", _text(argument)):
        raise _WrongArgumentError('the number is written as 4 or, with decimals, as "2.3"')


def _is_bound(argument: AST) -> None:
    """Check an end of an interval: an amount, or the word for one that could not be estimated."""
    if _text(argument) != "not_estimable" or not _is_one_word(argument):
        _is_amount(argument)


def _is_level(argument: AST) -> None:
    _is_integer(argument)
    if not 1 <= argument.symbol.number <= 99:
        raise _WrongArgumentError("expected a level of confidence in percent, such as 95")


def _is_identifier(argument: AST, registry: AST) -> None:
    _is_text(argument)
    wrong = wrong_identifier(_text(registry), _text(argument))
    if wrong:
        raise _WrongArgumentError(wrong)


def _is_figure_unit(argument: AST, statistic: AST) -> None:
    _is_text(argument)
    unit = STATISTICS.get(_text(statistic))
    if unit is not None and _text(argument) != unit:
        raise _WrongArgumentError(f'a {_text(statistic)} is given in "{unit}"')


def _is_category(argument: AST) -> None:
    _is_text(argument)
    _one_of("category", CATEGORIES)(argument)


def _is_date(argument: AST) -> None:
    _is_text(argument)
    if not is_date(_text(argument)):
        raise _WrongArgumentError('expected a date such as "2025-08-01"')


def _with_article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeio' else 'a'} {noun}"


def _one_of(what: str, words: Iterable[str]) -> Callable[[AST], None]:
    known = tuple(words)

    def check(argument: AST) -> None:
        if _text(argument) not in known:
            raise _WrongArgumentError(f"expected {_with_article(what)}: {', '.join(known)}")

    return check


def _one_of_words(role: str, words: Sequence[str]) -> Callable[[AST], None]:
    """Make the check of a role whose words the language knows: numbers, texts or plain words."""
    if all(map(str.isdigit, words)):
        form = _is_integer
    else:
        form = _is_text if role in _QUOTED else _is_word
    known = _one_of(role, words)

    def check(argument: AST) -> None:
        form(argument)
        known(argument)

    return check


_QUOTED = ("dose unit", "time unit", "likelihood")
"""Roles whose words are texts: units, as all are, and a score that may end in a sign."""

_WORD_CHECKS = {role: _one_of_words(role, words) for role, words in WORDS.items()}
