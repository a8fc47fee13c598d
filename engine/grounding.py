"""From the text of policy and vocabulary files to ground programs, one for each dated version."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import clingo
from clingo.ast import AST

from engine.gate import read_policy_text
from engine.program import Atom, GroundProgram, Rule, Term
from engine.statements import (
    STATIC_STATEMENTS,
    Asked,
    FileCheck,
    clingo_problem,
    parse,
)
from engine.vocabulary import build_vocabulary
from facts.errors import FileProblem, KnowledgeBaseError
from facts.vocabulary import Vocabulary

_ENCODINGS = tuple(
    (Path(__file__).parent / "encodings" / name).read_text("ascii")
    for name in ("language.lp", "completions.lp")
)

_ASKED_ABOUT = frozenset(
    {"fact", "range", "decimals", "value", "member", "drug", "drug_class", "diagnosis", "impossible"}
)
"""What rules and completions need of the vocabulary; the rest is wording and codes."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of a knowledge base: its name in messages, and its bytes."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class GroundVocabulary:
    """The vocabulary as read, the text of it that rules can ask about, and what it asks itself."""

    vocabulary: Vocabulary
    text: str
    asked: Asked


def ground_vocabulary(files: Iterable[SourceFile]) -> GroundVocabulary:
    """Read vocabulary files. Raises KnowledgeBaseError with every problem found in them."""
    checks = [FileCheck(file.name, parse(_text(file), file.name), None) for file in files]
    for check in checks:
        check.contradictions()
    _raise(checks)
    rules = tuple(chain.from_iterable(check.rules for check in checks))
    names = ", ".join(check.file for check in checks)
    facts = _lines(rule for rule in rules if rule.head.atom.symbol.name != "impossible")
    vocabulary = build_vocabulary(_ground([facts], (), names), names)
    asked = Asked()
    for check in checks:
        about_facts = FileCheck(check.file, check.rules, vocabulary)
        about_facts.contradictions()
        _raise([about_facts])
        asked.facts |= about_facts.asked.facts
        asked.comparisons |= about_facts.asked.comparisons
    asked_about = _lines(rule for rule in rules if rule.head.atom.symbol.name in _ASKED_ABOUT)
    return GroundVocabulary(vocabulary, asked_about, asked)


def ground_policy(file: SourceFile, base: GroundVocabulary) -> Mapping[str, GroundProgram]:
    """Ground each version of a policy file, by the day the version begins.

    Raises KnowledgeBaseError with every problem found in the file.
    """
    text = _text(file)
    check = FileCheck(file.name, parse(text, file.name), base.vocabulary)
    check.policy()
    _raise([check])
    if not check.version_dates:
        raise KnowledgeBaseError([FileProblem(file.name, None, None, "the policy states no version")])
    uses_regimen = any(rule.head.atom.symbol.name == "combination" for rule in check.rules) or any(
        literal.atom.symbol.name == "partner"
        for rule in check.rules
        for literal in rule.body
        if "symbol" in literal.atom.keys()
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
    asks: list[Atom] = [("looked_at", fact) for fact in sorted(looked_at)] + compares
    programs = {}
    for day in check.version_dates:
        program = _ground(
            [text, base.text, *_ENCODINGS], [*asks, ("as_of", f'"{day}"')], file.name
        )
        programs[day] = program
        problems = [
            FileProblem(file.name, None, None, message) for message in _misstated(program)
        ]
        if problems:
            raise KnowledgeBaseError(problems)
    return programs


def _text(file: SourceFile) -> str:
    return read_policy_text(file.content, file.name)


def _raise(checks: Sequence[FileCheck]) -> None:
    problems = [problem for check in checks for problem in check.problems]
    if problems:
        raise KnowledgeBaseError(problems)


def _quoted(threshold: int | str) -> Term:
    return threshold if isinstance(threshold, int) else f'"{threshold}"'


def _misstated(program: GroundProgram) -> Iterable[str]:
    """Find statements about the policy that hang on a patient's facts, and circular ones."""
    for name, *arguments in sorted(program.atoms, key=str):
        if name in STATIC_STATEMENTS:
            shown = ", ".join(str(argument) for argument in arguments[1:])
            yield f"{name} ({shown}) depends on the facts of a case; it must hold for every case"
    cycle = program.cycle()
    if cycle:
        names = dict.fromkeys(" ".join(str(part) for part in atom) for atom in cycle)
        yield f"statements that depend on each other in a circle: {' <- '.join(names)}"


class _Recorder(clingo.Observer):
    """Record the ground rules as clingo's grounder emits them."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []

    def rule(self, choice: bool, head: Sequence[int], body: Sequence[int]) -> None:
        self.rules.append(Rule(choice, tuple(head), tuple(body)))

    def weight_rule(
        self,
        choice: bool,
        head: Sequence[int],
        lower_bound: int,
        body: Sequence[tuple[int, int]],
    ) -> None:
        literals = tuple(literal for literal, weight in body for _ in range(weight))
        self.rules.append(Rule(choice, tuple(head), literals, lower_bound))


def _ground(texts: Iterable[str], asks: Iterable[Atom], file: str) -> GroundProgram:
    """Ground texts together; any message clingo has is an error, never a warning."""
    messages: list[str] = []
    control = clingo.Control(
        ["--warn=all"], logger=lambda _, message: messages.append(message), message_limit=20
    )
    recorder = _Recorder()
    control.register_observer(recorder)
    try:
        for text in texts:
            control.add("base", [], text)
        control.add("base", [], "".join(f"{name}({_join(terms)}).\n" for name, *terms in asks))
        control.ground([("base", [])])
    except RuntimeError as error:
        messages = messages or [str(error)]
    if messages:
        raise KnowledgeBaseError([clingo_problem(message, file) for message in messages])
    atoms: dict[Atom, int] = {}
    facts: set[Atom] = set()
    for symbolic in control.symbolic_atoms:
        symbol = symbolic.symbol
        atom = (symbol.name, *map(_term, symbol.arguments))
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


def _lines(rules: Iterable[AST]) -> str:
    return "".join(f"{rule}\n" for rule in rules)


def _join(terms: Iterable[Term]) -> str:
    return ", ".join(str(term) for term in terms)


def _term(symbol: clingo.Symbol) -> Term:
    if symbol.type is clingo.SymbolType.Number:
        return symbol.number
    return symbol.string if symbol.type is clingo.SymbolType.String else symbol.name
