"""From the text of files to ground programs, one for each dated version of a policy or reference."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path

import clingo

from engine.gate import LARGEST_INTEGER, MOST_PROBLEMS, read_policy_text
from engine.policy import Misstatement, misstatements
from engine.program import IMPOSSIBLE, SAID, Atom, GroundProgram, Rule, Term
from engine.references import reference_misstatements
from engine.statements import (
    POLICY_STATEMENTS,
    REFERENCE_STATEMENTS,
    STATIC_STATEMENTS,
    Asked,
    FileCheck,
)
from engine.syntax import Rule as WrittenRule
from engine.syntax import clingo_problem, parse
from engine.vocabulary import build_vocabulary
from facts.errors import FileProblem, KnowledgeBaseError
from facts.vocabulary import NO_VOCABULARY, Vocabulary

_ENCODINGS = tuple(
    (Path(__file__).parent / "encodings" / name).read_text("ascii")
    for name in ("language.lp", "completions.lp")
)

_ASKED_ABOUT = frozenset(
    {
        "fact",
        "range",
        "decimals",
        "value",
        "member",
        "drug",
        "drug_class",
        "diagnosis",
        "impossible",
    }
)
"""What rules and completions need of the vocabulary; the rest is wording and codes."""

LARGEST_PROGRAM = 300_000
"""Heads and literals of the ground rules of one file; the packaged policies have below 50,000."""

_TYPES = {
    "policy": clingo.SymbolType.String,
    "reference": clingo.SymbolType.String,
    "text": clingo.SymbolType.String,
    "section": clingo.SymbolType.String,
    "count": clingo.SymbolType.Number,
    "word": clingo.SymbolType.Function,
    "drug": clingo.SymbolType.Function,
}
"""What stands for a role once variables have values."""

_ROLES = {**REFERENCE_STATEMENTS, **POLICY_STATEMENTS}
"""What both have, a source, versions and combinations, has arguments of the same types."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of a knowledge base: its name in messages, and its bytes."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class GroundVocabulary:
    """The vocabulary as read, its ground statements, what rules can ask about, and what is asked.

    `text` is the part of the vocabulary that rules can ask about; `asked` is what its own
    contradictions ask of the facts.
    """

    vocabulary: Vocabulary
    program: GroundProgram
    text: str
    asked: Asked


def ground_vocabulary(files: Iterable[SourceFile]) -> GroundVocabulary:
    """Read vocabulary files. Raises KnowledgeBaseError with every problem found in them."""
    checks = [FileCheck(file.name, parse(_text(file), file.name), NO_VOCABULARY) for file in files]
    for check in checks:
        check.vocabulary_statements()
    _raise(checks)
    rules = tuple(chain.from_iterable(check.rules for check in checks))
    names = ", ".join(check.file for check in checks)
    facts = _lines(rule for rule in rules if rule.head.name != "impossible")
    program = _ground("", [facts], (), names, LARGEST_PROGRAM)
    try:
        vocabulary = build_vocabulary(program, names)
    except KnowledgeBaseError as error:
        raise KnowledgeBaseError([_placed(problem, checks) for problem in error.problems]) from None
    problems = [
        _placed(FileProblem(names, None, None, message), checks)
        for message in _unfit(program, vocabulary)
    ]
    if problems:
        raise KnowledgeBaseError(problems)
    asked = Asked()
    for check in checks:
        about_facts = FileCheck(check.file, check.rules, vocabulary)
        about_facts.contradictions()
        _raise([about_facts])
        asked.facts |= about_facts.asked.facts
        asked.comparisons |= about_facts.asked.comparisons
    asked_about = _lines(rule for rule in rules if rule.head.name in _ASKED_ABOUT)
    return GroundVocabulary(vocabulary, program, asked_about, asked)


def _unfit(program: GroundProgram, vocabulary: Vocabulary) -> Iterator[str]:
    """Find statements of a vocabulary that are circular, and numbers clingo cannot hold."""
    for statement, *arguments in (program.cycle() or ())[:1]:
        yield f"{statement} of {arguments[0]!r} depends on itself"
    for fact in vocabulary.facts.values():
        if fact.highest > LARGEST_INTEGER:
            yield f"range of {fact.name!r}: with its decimals above {LARGEST_INTEGER:,}"


def _placed(problem: FileProblem, checks: Iterable[FileCheck]) -> FileProblem:
    """Place a problem where the vocabulary last states what its message begins with."""
    named = re.match(r"(\w+) (?:of )?'(\w+)'", problem.message)
    if named:
        for check in reversed(list(checks)):
            placed = check.place(named[1], named[2], problem.message)
            if placed.line:
                return placed
    return problem


def ground_policy(file: SourceFile, base: GroundVocabulary) -> Mapping[str, GroundProgram]:
    """Ground each version of a policy file, by the day the version begins.

    Raises KnowledgeBaseError with every problem found in the file.
    """
    return _ground_versions(file, base, FileCheck.policy, misstatements)


def ground_reference(file: SourceFile, base: GroundVocabulary) -> Mapping[str, GroundProgram]:
    """Ground each version of a reference file, by the day the version begins.

    Raises KnowledgeBaseError with every problem found in the file.
    """
    return _ground_versions(file, base, FileCheck.reference, reference_misstatements)


def _ground_versions(
    file: SourceFile,
    base: GroundVocabulary,
    check_statements: Callable[[FileCheck], None],
    find_misstatements: Callable[[Mapping[str, GroundProgram]], Iterable[Misstatement]],
) -> Mapping[str, GroundProgram]:
    text = _text(file)
    check = FileCheck(file.name, parse(text, file.name), base.vocabulary)
    check_statements(check)
    _raise([check])
    uses_regimen = any(rule.head.name == "combination" for rule in check.rules) or any(
        literal.atom.name == "partner" for rule in check.rules for literal in rule.literals
    )
    looked_at = check.asked.facts | base.asked.facts | ({"regimen"} if uses_regimen else set())
    comparisons = sorted(
        check.asked.comparisons | base.asked.comparisons,
        key=lambda asked: (asked.comparison, asked.fact, asked.least),
    )
    compares = [
        ("compares", asked.comparison, asked.fact, _quoted(asked.threshold), asked.least)
        for asked in comparisons
    ]
    asks: list[Atom] = [*(("looked_at", fact) for fact in sorted(looked_at)), *compares]
    programs: dict[str, GroundProgram] = {}
    room = LARGEST_PROGRAM
    for day in check.version_dates:
        program = _ground(
            text, [base.text, *_ENCODINGS], [*asks, ("as_of", f'"{day}"')], file.name, room
        )
        room -= sum(len(rule.head) + len(rule.body) for rule in program.rules)
        _raise_placed(_misstated(program), check)
        programs[day] = program.in_order(SAID, {IMPOSSIBLE})
    _raise_placed(find_misstatements(programs), check)
    return programs


def _text(file: SourceFile) -> str:
    return read_policy_text(file.content, file.name)


def _raise_placed(found: Iterable[Misstatement], check: FileCheck) -> None:
    distinct = dict.fromkeys(check.place(*misstatement) for misstatement in found)
    problems = list(islice(distinct, MOST_PROBLEMS))
    if problems:
        raise KnowledgeBaseError(problems)


def _raise(checks: Sequence[FileCheck]) -> None:
    problems = [problem for check in checks for problem in check.problems]
    if problems:
        raise KnowledgeBaseError(problems)


def _quoted(threshold: int | str) -> Term:
    return threshold if isinstance(threshold, int) else f'"{threshold}"'


def _misstated(program: GroundProgram) -> Iterator[Misstatement]:
    """Find statements about the document that hang on a patient's facts, and circular ones."""
    for name, *arguments in sorted(program.atoms, key=str):
        if name in STATIC_STATEMENTS:
            shown = ", ".join(str(argument) for argument in arguments[1:])
            message = (
                f"{name} ({shown}) depends on the facts of a case; it must hold for every case"
            )
            yield str(name), str(arguments[1]), message
    for (name,) in program.arguments("impossible"):
        message = f"contradiction {name!r} holds in every case, so that no case could be decided"
        yield "impossible", str(name), message
    cycle = program.cycle()
    if cycle:
        names = (" ".join(str(part) for part in atom) for atom in cycle)
        message = f"statements that depend on each other in a circle: {' <- '.join(names)}"
        name, *arguments = cycle[0]
        yield str(name), str(arguments[-1]) if arguments else "", message


class _TooLargeError(Exception):
    """Grounding was given up: too many rules."""


class _Recorder(clingo.Observer):
    """Record the ground rules as clingo's grounder emits them, as long as there is room."""

    def __init__(self, room: int) -> None:
        self.rules: list[Rule] = []
        self._room = room

    def rule(
        self,
        choice: bool,  # noqa: FBT001  - clingo's signature
        head: Sequence[int],
        body: Sequence[int],
    ) -> None:
        self._record(Rule(choice, tuple(head), tuple(body)))

    def weight_rule(
        self,
        choice: bool,  # noqa: FBT001  - clingo's signature
        head: Sequence[int],
        lower_bound: int,
        body: Sequence[tuple[int, int]],
    ) -> None:
        literals = tuple(literal for literal, weight in body for _ in range(weight))
        self._record(Rule(choice, tuple(head), literals, lower_bound))

    def _record(self, rule: Rule) -> None:
        self.rules.append(rule)
        self._room -= len(rule.head) + len(rule.body)
        if self._room < 0:
            raise _TooLargeError


def _ground(
    text: str, others: Iterable[str], asks: Iterable[Atom], file: str, room: int
) -> GroundProgram:
    """Ground a file's text with others; any message clingo has is an error, never a warning."""
    messages: list[str] = []
    control = clingo.Control(
        ["--warn=all"], logger=lambda _, message: messages.append(message), message_limit=20
    )
    recorder = _Recorder(room)
    control.register_observer(recorder)
    asked = "".join(f"{name}({_join(terms)}).\n" for name, *terms in asks)
    try:
        control.add("base", [], "\n".join([text, *others, asked]))
        control.ground([("base", [])])
    except RuntimeError as error:
        messages = messages or [str(error)]
    except _TooLargeError:
        messages = [f"the rules come to more than {LARGEST_PROGRAM:,} heads and literals"]
    problems = [clingo_problem(message, file) for message in messages]
    problems = problems or list(_mistyped(control.symbolic_atoms, file))
    if problems:
        lines = text.count("\n") + 1
        raise KnowledgeBaseError(
            [
                problem
                if (problem.line or 0) <= lines
                else replace(problem, line=None, column=None)
                for problem in problems
            ]
        )
    atoms: dict[Atom, int] = {}
    facts: set[Atom] = set()
    for symbolic in control.symbolic_atoms:
        symbol = symbolic.symbol
        atom = (symbol.name, *map(plain_term, symbol.arguments))
        if symbolic.is_fact:
            facts.add(atom)
        else:
            atoms[atom] = symbolic.literal
    # An atom that is always true is already worked into the rules, so most need no rule.
    used = {abs(literal) for rule in recorder.rules for literal in rule.body}
    rules = (
        rule
        for rule in recorder.rules
        if rule.choice or rule.body or not rule.head or not used.isdisjoint(rule.head)
    )
    return GroundProgram(tuple(rules), atoms, frozenset(facts))


def _mistyped(atoms: clingo.SymbolicAtoms, file: str) -> Iterator[FileProblem]:
    """Find statements that a variable has filled with a word for a text, or the other way."""
    for symbol in (atom.symbol for atom in atoms):
        roles = _ROLES.get(symbol.name, ())
        for argument, role in zip(symbol.arguments, roles, strict=False):
            if argument.type is not _TYPES.get(role, argument.type):
                yield FileProblem(
                    file, None, None, f"{symbol} holds {argument} where a {role} belongs"
                )


def _lines(rules: Iterable[WrittenRule]) -> str:
    return "\n".join(dict.fromkeys(str(rule.node) for rule in rules))


def _join(terms: Iterable[Term]) -> str:
    return ", ".join(str(term) for term in terms)


def plain_term(symbol: clingo.Symbol) -> Term:
    """Return a symbol as plain data."""
    if symbol.type is clingo.SymbolType.Number:
        return symbol.number
    return symbol.string if symbol.type is clingo.SymbolType.String else symbol.name
