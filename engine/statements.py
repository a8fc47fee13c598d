"""The statements a file of a knowledge base may hold, checked one by one against the vocabulary.

clingo drops a rule whose body cannot hold without a word, so a misspelt fact would silently change
who is approved. Here every predicate, fact, value, date and reading a rule names has to exist. What
the rules ask of the facts is collected on the way: which facts they look at, and where numbers turn.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property, partial

from engine.evidence import EVIDENCE_STATEMENTS, STATISTICS, TERM_SORTS, WORDS, wrong_identifier
from engine.gate import MOST_PROBLEMS
from engine.policy import CONNECTIVES
from engine.references import CATEGORIES, PREFERENCES, REFERENCE_KINDS
from engine.syntax import Atom, Equation, Place, Rule, Term, TermKind, problem_at
from facts.case import is_date
from facts.errors import FileProblem, did_you_mean
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


class FileCheck:
    """The check of one file: collects its problems, and what its rules ask of the facts."""

    def __init__(
        self,
        file: str,
        rules: Sequence[Rule],
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
            heads = {rule.head.name: rule.head for rule in self.rules}
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
        rules = [rule for rule in self.rules if rule.head.name != "impossible"]
        self._check_all(rules, VOCABULARY_STATEMENTS, conditions)

    def contradictions(self) -> None:
        """Check what a vocabulary file says is impossible."""
        rules = [rule for rule in self.rules if rule.head.name == "impossible"]
        self._check_all(rules, VOCABULARY_STATEMENTS, CONTRADICTION_CONDITIONS)
        for rule in rules:
            if not rule.body:
                self._add(rule, "impossible without a condition: no case could be decided")

    def place(self, statement: str, subject: str, message: str) -> FileProblem:
        """Place a problem at the last rule that states something of a subject, if there is one."""
        for rule in reversed(self.rules):
            head = rule.head
            if head.name == statement and subject in (term.text for term in head.arguments):
                return problem_at(self.file, head, message)
        return FileProblem(self.file, None, None, message)

    @cached_property
    def _own_names(self) -> Mapping[str, str]:
        """The name the file's one policy or reference statement gives; empty if there is none."""
        names: dict[str, set[str]] = {document.name: set() for document in (POLICY, REFERENCE)}
        for rule in self.rules:
            head = rule.head
            if head.name in names and head.arguments:
                named = head.arguments[0]
                names[head.name].add(named.text if named.kind is TermKind.TEXT else "")
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
            head = rule.head
            if len(head.arguments) > 1 and not head.arguments[1].is_variable:
                sections.setdefault(head.name, set()).add(head.arguments[1].text)
        return {statement: frozenset(stated) for statement, stated in sections.items()}

    @cached_property
    def _open(self) -> frozenset[str]:
        """Name the statements made about a section that a variable stands for."""
        heads = (rule.head for rule in self.rules)
        return frozenset(
            head.name for head in heads if len(head.arguments) > 1 and head.arguments[1].is_variable
        )

    @cached_property
    def _defined(self) -> frozenset[tuple[str, int]]:
        heads = (rule.head for rule in self.rules)
        return frozenset((head.name, len(head.arguments)) for head in heads)

    def _stated(self, name: str) -> Iterator[tuple[str, ...]]:
        for rule in self.rules:
            head = rule.head
            if head.name == name:
                yield tuple(argument.text for argument in head.arguments)

    def _check_all(
        self,
        rules: Iterable[Rule],
        statements: Mapping[str, tuple[str, ...]],
        conditions: Mapping[str, tuple[str, ...]],
    ) -> None:
        for rule in rules:
            self._check(rule, statements, conditions)
            if len(self.problems) >= MOST_PROBLEMS:
                return

    def _check(
        self,
        rule: Rule,
        statements: Mapping[str, tuple[str, ...]],
        conditions: Mapping[str, tuple[str, ...]],
    ) -> None:
        """Check one rule: what its head states, and what its body asks."""
        self._check_head(rule, statements, conditions)
        for part in rule.body:
            if isinstance(part, Equation):
                self._check_words(part.terms)
                continue
            atom = part.atom
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
        rule: Rule,
        statements: Mapping[str, tuple[str, ...]],
        conditions: Mapping[str, tuple[str, ...]],
    ) -> None:
        head = rule.head
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
            section = head.arguments[1].text
            if any(section in self._sections.get(name, ()) for name in CONNECTIVES):
                self._add(head, f"criterion {section!r} has parts, so it has no rule of its own")
        if head.name == "months_up_to" and len(head.arguments) == 4:
            self._ask_months(head.arguments[3])

    def _check_words(self, terms: Iterable[Term]) -> None:
        """Check that words a rule compares with are stated somewhere: no other can ever fit."""
        for term in terms:
            if term.kind is TermKind.WORD:
                word = term.text
                if word not in self._words:
                    meant = did_you_mean(word, self._words)
                    self._add(term, f"nothing states the word {word!r}{meant}")

    @cached_property
    def _words(self) -> frozenset[str]:
        """The words of the vocabulary, and those that heads of the file state."""
        words = {
            argument.text
            for rule in self.rules
            for argument in rule.head.arguments
            if argument.kind is TermKind.WORD
        }
        words |= {*self.vocabulary.facts, *self.vocabulary.drugs, *self.vocabulary.classes}
        words |= {option for fact in self.vocabulary.facts.values() for option in fact.values}
        return frozenset(words)

    def _check_section(self, atom: Atom) -> None:
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
            if not section.is_variable and section.text not in stated:
                named = " or ".join(statements)
                meant = did_you_mean(section.text, stated)
                self._add(section, f"no {named} is stated for section {section.text!r}{meant}")

    def _check_arguments(self, atom: Atom, roles: tuple[str, ...]) -> None:
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

    def _check_argument(self, atom: Atom, place: int, role: str) -> None:
        argument = atom.arguments[place]
        before = atom.arguments[max(place - 1, 0)]
        if argument.is_variable:
            if role.endswith(" fact") or role in _NAMED:
                raise _WrongArgumentError(f"{_with_article(role)} is named, not a variable")
            return
        check = self._checks.get(role)
        if check is not None:
            check(argument)
        elif role.endswith(" fact"):
            self._fact(argument, Kind(role.removesuffix(" fact")))
        elif role in ("value", "member"):
            self._option(before, argument, role)
        elif role == "number":
            self._compare(atom.name, before, argument)
        elif role == "choice":
            self._choice(before, argument)
        elif role == "measured unit":
            self._measured_unit(argument, *atom.arguments[2:4])
        elif role == "result":
            self._result(before, argument)
        elif role == "figure unit":
            _is_figure_unit(argument, atom.arguments[3])
        elif role == "identifier":
            _is_identifier(argument, before)

    @cached_property
    def _checks(self) -> Mapping[str, Callable[[Term], None]]:
        """What checks an argument by its role, where that hangs on no other argument."""
        known = self.vocabulary
        reactions = known.terms.get("reaction", {})
        return {
            **{sort: partial(self._term, sort=sort) for sort in TERM_SORTS},
            **_CHECKS,
            "policy": partial(self._own_name, document=POLICY),
            "reference": partial(self._own_name, document=REFERENCE),
            "months": self._months,
            "subject": self._subject,
            "measurement": self._measurement,
            "monitored": partial(self._term, sort="reaction", others=known.measurements),
            "measured outcome": partial(self._term, sort="endpoint", others=reactions),
            "drug": partial(self._named, what="drug", known=known.drugs),
            "class": partial(self._named, what="drug class", known=known.classes),
            "version": self._version,
            "contradiction": partial(self._named, what="contradiction", known=known.contradictions),
        }

    def _own_name(self, argument: Term, document: Document) -> None:
        _is_text(argument)
        own = self._own_names[document.name]
        if argument.text != own:
            raise _WrongArgumentError(f"the file speaks of its own {document.name}, {own!r}, alone")

    def _fact(self, argument: Term, kind: Kind | None = None) -> None:
        _is_word(argument)
        name = argument.text
        facts = self.vocabulary.facts
        if name not in facts:
            raise _WrongArgumentError(
                f"fact {name!r} is not in the vocabulary{did_you_mean(name, facts)}"
            )
        if kind and facts[name].kind is not kind:
            raise _WrongArgumentError(f"fact {name!r} is a {facts[name].kind}, not a {kind}")
        self.asked.facts.add(name)

    def _option(self, fact: Term, argument: Term, role: str) -> None:
        facts = self.vocabulary.facts
        name, option = fact.text, argument.text
        if name not in facts:
            return
        _is_word(argument)
        options = facts[name].values
        if option not in options:
            raise _WrongArgumentError(
                f"{option!r} is no {role} of {name!r}{did_you_mean(option, options)}"
            )

    def _compare(self, comparison: str, fact: Term, argument: Term) -> None:
        """Find where the comparison turns. A decimal is written as a text: "2.3"."""
        facts = self.vocabulary.facts
        number = facts.get(fact.text)
        if number is None or number.kind is not Kind.NUMBER:
            return
        _is_amount(argument)
        threshold = argument.text
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
        written = threshold if argument.kind is TermKind.TEXT else int(threshold)
        self.asked.comparisons.add(Comparison(comparison, number.name, written, least))

    def _ask_months(self, most: Term) -> None:
        """Let a duration of at most so many months turn at every month up to that many."""
        if most.text.isdigit():
            requested = self.vocabulary.facts["requested_months"]
            self.asked.facts.add(requested.name)
            self.asked.comparisons |= {
                Comparison("at_least", requested.name, months, months)
                for months in range(1, min(int(most.text), requested.highest) + 1)
            }

    def _months(self, argument: Term) -> None:
        _is_count(argument)
        longest = self.vocabulary.facts["requested_months"].highest
        if int(argument.text) > longest:
            raise _WrongArgumentError(f"no more than {longest} months can be requested")

    def _named(self, argument: Term, what: str, known: Iterable[str]) -> None:
        _is_word(argument)
        name, names = argument.text, list(known)
        if name not in names:
            raise _WrongArgumentError(
                f"{what} {name!r} is not in the vocabulary{did_you_mean(name, names)}"
            )

    def _subject(self, argument: Term) -> None:
        self._named(
            argument, "drug or diagnosis", [*self.vocabulary.drugs, *self.vocabulary.diagnoses]
        )

    def _term(self, argument: Term, sort: str, others: Iterable[str] = ()) -> None:
        self._named(argument, sort, [*self.vocabulary.terms.get(sort, ()), *others])

    def _measurement(self, argument: Term) -> None:
        facts = self.vocabulary.facts.values()
        numbers = (fact.name for fact in facts if fact.kind is Kind.NUMBER)
        self._named(argument, "measurement", [*self.vocabulary.measurements, *numbers])

    def _measured_unit(self, argument: Term, measurement: Term, change: Term) -> None:
        """Check the unit of a threshold: a change in percent is in %, all else as is measured."""
        _is_text(argument)
        name, facts = measurement.text, self.vocabulary.facts
        if name in self.vocabulary.measurements:
            units = self.vocabulary.measurements[name].units
        else:
            units = (facts[name].unit,) if name in facts else ()
        if change.text.startswith("percent_"):
            units = ("%",)
        if argument.text not in units:
            known = f"in {' or '.join(units)}" if units else "by its results, without a unit"
            raise _WrongArgumentError(f"{name!r} ({change.text}) is given {known}")

    def _result(self, measurement: Term, argument: Term) -> None:
        name = measurement.text
        if name in self.vocabulary.measurements:
            _one_of(f"result of {name}", self.vocabulary.measurements[name].results)(argument)
        else:
            raise _WrongArgumentError(f"{name!r} is a number: state a threshold of it")

    def _version(self, argument: Term) -> None:
        if argument.text not in self.version_dates:
            raise _WrongArgumentError(
                f"{argument.text!r} is not the first day of a version "
                f"({', '.join(self.version_dates)})"
            )

    def _choice(self, reading: Term, argument: Term) -> None:
        if reading.is_variable:
            return
        name, choice = reading.text, argument.text
        choices = self._choices.get(name)
        if choices is None:
            raise _WrongArgumentError(
                f"reading {name!r} has no choices{did_you_mean(name, self._choices)}"
            )
        if choice not in choices:
            raise _WrongArgumentError(
                f"{choice!r} is no choice of reading {name!r}{did_you_mean(choice, choices)}"
            )

    def _add(self, place: Place | None, message: str) -> None:
        problem = (
            problem_at(self.file, place, message)
            if place is not None
            else FileProblem(self.file, None, None, message)
        )
        self.problems[problem] = None


def _has_variable(atom: Atom) -> bool:
    return any(argument.is_variable for argument in atom.arguments)


def _is_text(argument: Term) -> None:
    if argument.kind is not TermKind.TEXT:
        raise _WrongArgumentError("expected a text in quotes")
    if not argument.text.strip():
        raise _WrongArgumentError("expected a text that is not empty")


def _is_word(argument: Term) -> None:
    if argument.kind is not TermKind.WORD:
        raise _WrongArgumentError("expected a word in lower case, without quotes")


def _is_integer(argument: Term) -> None:
    if argument.kind is not TermKind.NUMBER:
        raise _WrongArgumentError("expected a whole number")


def _is_count(argument: Term) -> None:
    _is_integer(argument)
    if int(argument.text) < 1:
        raise _WrongArgumentError("expected at least 1")


def _is_amount(argument: Term) -> None:
    if not re.fullmatch(r"\d{1,9}(\.\d{1,9})?", argument.text):
        raise _WrongArgumentError('the number is written as 4 or, with decimals, as "2.3"')


def _is_bound(argument: Term) -> None:
    """Check an end of an interval: an amount, or the word for one that could not be estimated."""
    if argument.text != "not_estimable" or argument.kind is not TermKind.WORD:
        _is_amount(argument)


def _is_level(argument: Term) -> None:
    _is_integer(argument)
    if not 1 <= int(argument.text) <= 99:
        raise _WrongArgumentError("expected a level of confidence in percent, such as 95")


def _is_identifier(argument: Term, registry: Term) -> None:
    _is_text(argument)
    wrong = wrong_identifier(registry.text, argument.text)
    if wrong:
        raise _WrongArgumentError(wrong)


def _is_figure_unit(argument: Term, statistic: Term) -> None:
    _is_text(argument)
    unit = STATISTICS.get(statistic.text)
    if unit is not None and argument.text != unit:
        raise _WrongArgumentError(f'a {statistic.text} is given in "{unit}"')


def _is_category(argument: Term) -> None:
    _is_text(argument)
    _one_of("category", CATEGORIES)(argument)


def _is_date(argument: Term) -> None:
    _is_text(argument)
    if not is_date(argument.text):
        raise _WrongArgumentError('expected a date such as "2025-08-01"')


def _with_article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeio' else 'a'} {noun}"


def _one_of(what: str, words: Iterable[str]) -> Callable[[Term], None]:
    known = tuple(words)

    def check(argument: Term) -> None:
        if argument.text not in known:
            raise _WrongArgumentError(f"expected {_with_article(what)}: {', '.join(known)}")

    return check


def _one_of_words(role: str, words: Sequence[str]) -> Callable[[Term], None]:
    """Make the check of a role whose words the language knows: numbers, texts or plain words."""
    if all(map(str.isdigit, words)):
        form = _is_integer
    else:
        form = _is_text if role in _QUOTED else _is_word
    known = _one_of(role, words)

    def check(argument: Term) -> None:
        form(argument)
        known(argument)

    return check


_QUOTED = ("dose unit", "time unit", "likelihood")
"""Roles whose words are texts: units, as all are, and a score that may end in a sign."""


def _is_end(argument: Term) -> None:
    if argument.text != "open":
        _is_date(argument)


_CHECKS: Mapping[str, Callable[[Term], None]] = {
    **{role: _one_of_words(role, words) for role, words in WORDS.items()},
    "text": _is_text,
    "section": _is_text,
    "word": _is_word,
    "reading": _is_word,
    "integer": _is_integer,
    "count": _is_count,
    "date": _is_date,
    "end": _is_end,
    "status": _one_of("status", ("published", "reconstructed")),
    "basis": _one_of("basis", ("not_medically_necessary", "investigational")),
    "reference kind": _one_of("reference kind", REFERENCE_KINDS),
    "category": _is_category,
    "preference": _one_of("preference", PREFERENCES),
    "amount": _is_amount,
    "bound": _is_bound,
    "level": _is_level,
    "arm": _is_word,
    "term sort": _one_of("sort of term", TERM_SORTS),
    "kind": _one_of("kind", [kind.value for kind in Kind]),
    "changer": _one_of("changer", [changer.value for changer in Changer]),
}
"""What checks an argument of each role that hangs on neither the vocabulary nor the file."""
