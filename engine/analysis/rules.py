"""Findings about rules for one thing: those that never apply, and those that others contain."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, groupby, permutations, product
from typing import TypeAlias

from engine.analysis.answers import using
from engine.analysis.criteria import Dead
from engine.analysis.finding import Finding, FindingKind, Severity
from engine.analysis.report import Report, listed
from engine.circuit import Derivation, Literal
from engine.program import Atom, Rule
from engine.statements import (
    POLICY_CONDITIONS,
    POLICY_STATEMENTS,
    RESERVED,
    VOCABULARY_STATEMENTS,
)

LANGUAGE = {*RESERVED, *POLICY_STATEMENTS, *POLICY_CONDITIONS, *VOCABULARY_STATEMENTS}
"""Predicates that no policy can define for itself."""
Asked: TypeAlias = tuple[Atom, bool]
"""What a condition of a rule asks, and whether it is to hold."""


def check_rules(report: Report, dead: Callable[[], Dead]) -> Iterator[Finding]:
    """Find rules for one thing of which one can never apply, or holds no more than another.

    They are the ways to a statement of the policy's own, and to a criterion without parts.
    """
    subject = report.subject
    idle = {*subject.branches, *dead().sections}
    names = {number: atom for atom, number in subject.derivation.program.atoms.items()}
    for head, rules in sorted(subject.derivation.rules.items()):
        match names.get(head):
            case ("met", subject.number, str(section)):
                if section in subject.roots_of and section not in idle:
                    yield from _of_one(report, rules, names, section, [section])
            case (str(own), subject.number, *terms) if own not in LANGUAGE:
                sections = using(report, subject.derivation.program, head)
                about = " ".join([own, *map(str, terms)])
                yield from _of_one(report, rules, names, about, sections)


def _of_one(
    report: Report,
    rules: Iterable[Rule],
    names: Mapping[int, Atom],
    about: str,
    sections: Sequence[str],
) -> Iterator[Finding]:
    """Find rules for one thing that can never apply, or hold no more than another."""
    subject, patients = report.subject, report.population.patients
    derivation = subject.derivation
    ways: list[tuple[str, Literal]] = []
    impossible: set[str] = set()
    words: dict[str, str] = {}
    for rule in chain.from_iterable(_spelled(rule, names, derivation) for rule in rules):
        asked = {names.get(abs(part), ("",))[0] for part in rule.body}
        if asked & {"reads", "met", "applies"}:
            continue
        conditions = _asked_by(rule, names, derivation)
        way, literal = _called(conditions, subject.number), _all_of(report, rule)
        opened = _asked_by(_opened(rule, names, derivation), names, derivation)
        words[way] = repr(way)
        if opened and opened != conditions:
            words[way] += f" ({_in_full(opened, subject.number)})"
        if patients.find(literal) is None:
            impossible.add(way)
        else:
            ways.append((way, literal))
    for way in sorted(impossible):
        yield report.finding(
            FindingKind.NEVER_MET,
            f"{about}: {way}",
            sections,
            f"Of the ways to {about!r}, {words[way]} is one that no patient has",
            repair="Correct the rule, or take it out",
            severity=Severity.NOTE,
        )
    found: dict[str, list[str]] = {}
    for (place, (way, mine)), (at, (other, theirs)) in permutations(enumerate(ways), 2):
        first = (other, at) < (way, place)
        if patients.always(theirs, mine) and (first or not patients.always(mine, theirs)):
            found.setdefault(way, []).append(other)
    for way, others in found.items():
        wider = [words[other] for other in dict.fromkeys(others) if other != way]
        within = f"contained in {listed(wider)}" if wider else "stated twice"
        yield report.finding(
            FindingKind.CONTAINED,
            f"{about}: {way}",
            sections,
            f"Of the ways to {about!r}, {words[way]} is {within}",
            repair=f"Take {way!r} out, unless the document means more by it",
            severity=Severity.NOTE,
        )


def _spelled(rule: Rule, names: Mapping[int, Atom], derivation: Derivation) -> Iterator[Rule]:
    """Yield a rule for each choice of members, where the grounder put "any member" in one atom."""
    pools = [
        [each.body for each in derivation.rules[part]]
        if part > 0 and _any_member(part, names, derivation)
        else [(part,)]
        for part in rule.body
    ]
    for bodies in product(*pools):
        yield replace(rule, body=tuple(dict.fromkeys(chain.from_iterable(bodies))))


def _opened(rule: Rule, names: Mapping[int, Atom], derivation: Derivation) -> Rule:
    """Return a rule that asks for one thing alone with what that in turn asks for, if it is named."""
    if len(rule.body) != 1 or abs(rule.body[0]) not in names:
        return rule
    (part,) = rule.body
    rules = derivation.rules.get(abs(part), ())
    if part > 0 and len(rules) == 1 and rules[0].bound is None:
        return replace(rule, body=rules[0].body)
    if part < 0 and rules and all(each.is_literal for each in rules):
        return replace(rule, body=tuple(-each.body[0] for each in rules))
    return rule


def _any_member(number: int, names: Mapping[int, Atom], derivation: Derivation) -> Sequence[Atom]:
    """Return the atoms of which an atom without a name asks for any; none if it asks otherwise."""
    rules = derivation.rules.get(number, ())
    if number in names or any(len(rule.body) != 1 or rule.body[0] not in names for rule in rules):
        return ()
    return [names[rule.body[0]] for rule in rules]


def _all_of(report: Report, rule: Rule) -> Literal:
    """Return the literal of a rule's body; no rule of a policy counts its conditions."""
    literals = report.subject.derivation.literals
    return report.population.circuit.all_of(
        literals[part] if part > 0 else -literals[-part] for part in rule.body
    )


def _asked_by(rule: Rule, names: Mapping[int, Atom], derivation: Derivation) -> list[Asked]:
    """Return what the conditions of a rule ask, sorted, and whether it is to hold."""
    return sorted(
        (
            (atom, part > 0)
            for part in rule.body
            if (atom := names.get(abs(part)) or _pattern(_any_member(-part, names, derivation)))
        ),
        key=str,
    )


def _called(asked: Sequence[Asked], policy: str) -> str:
    """Name a way by what its conditions ask, without the policy's number."""
    if len(asked) == 1 and len(asked[0][0]) == 3 and asked[0][0][1] == policy:
        return str(asked[0][0][2])
    return ", ".join(_in_words(atom, policy, holds=holds) for atom, holds in asked)


def _in_full(asked: Sequence[Asked], policy: str) -> str:
    """Say what a way's conditions ask; those that differ in the last term alone are put together."""
    together = groupby(asked, lambda each: (each[0][:-1], each[1]))
    return "; ".join(
        " ".join(
            [
                _in_words(start, policy, holds=holds),
                listed([str(atom[-1]) for atom, _ in each]),
            ]
        )
        for (start, holds), each in together
    )


def _in_words(atom: Atom, policy: str, *, holds: bool) -> str:
    words = " ".join(str(term) for term in atom if term != policy)
    return words if holds else f"not {words}"


def _pattern(atoms: Sequence[Atom]) -> Atom:
    """Return what atoms have in common, with "_" where they differ."""
    return tuple(terms[0] if len(set(terms)) == 1 else "_" for terms in zip(*atoms, strict=True))
