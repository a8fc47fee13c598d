"""What a new version of a policy says otherwise, section by section."""

from collections.abc import Iterator
from itertools import chain
from typing import TypeAlias

from engine.analysis.difference import Change, SectionChange
from engine.analysis.subject import Subject
from engine.circuit import TRUE
from engine.policy import Branch, section_order
from engine.program import Atom, Rule

Body: TypeAlias = tuple[int | None, frozenset[tuple[Atom, bool]]]
"""How many conditions of a rule are needed (None: all), and the conditions."""

GRANTS = ("months", "months_up_to", "quantity", "refers", "denies", "advises", "applies")
"""Statements with conditions that cite a section, besides its being met."""


def changed_sections(first: Subject, second: Subject) -> Iterator[SectionChange]:
    """Yield the sections that one version has and the other has not, or says otherwise."""
    one, other = _Reader(first), _Reader(second)
    for section in sorted({*one.sections, *other.sections}, key=section_order):
        if section not in one.sections:
            yield SectionChange(section=section, change=Change.ADDED, text=other.text(section))
        elif section not in other.sections:
            yield SectionChange(section=section, change=Change.REMOVED, text=one.text(section))
        else:
            gone = one.sections - other.sections
            new = other.sections - one.sections
            had, has = first.branches.get(section), second.branches.get(section)
            parts = tuple(_moved(had, has))
            if (
                parts
                or one.text(section) != other.text(section)
                or (had and had.needs) != (has and has.needs)
                or one.says(section, gone) != other.says(section, new)
            ):
                yield SectionChange(
                    section=section, change=Change.ALTERED, text=other.text(section), parts=parts
                )


def _moved(had: Branch | None, has: Branch | None) -> Iterator[str]:
    before, after = (branch.parts if branch else () for branch in (had, has))
    yield from (f"+ {part}" for part in after if part not in before)
    yield from (f"- {part}" for part in before if part not in after)


class _Reader:
    """Reads off a version what each section says by rules of its own."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._names = {n: atom for atom, n in subject.derivation.program.atoms.items()}
        self._stated: dict[str, list[Atom]] = {}
        self._facts = subject.derivation.program.facts
        for atom in chain(subject.derivation.program.atoms, self._facts):
            if atom[0] in ("met", *GRANTS) and atom[1] == subject.number:
                self._stated.setdefault(str(atom[2]), []).append(atom)
        self.sections = {*subject.roots_of, *(s for s in self._stated if s in subject.texts)}
        self.sections = {s for s in self.sections if s in subject.roots_of or not self._is_idle(s)}

    def _is_idle(self, section: str) -> bool:
        """Whether a section is a criterion that no pathway or disposition of the version holds."""
        return all(atom[0] == "met" for atom in self._stated[section])

    def text(self, section: str) -> str:
        """Return what a section says in words."""
        return self._subject.texts.get(section, "")

    def says(self, section: str, without: set[str]) -> object:
        """Return the rules of a section in names, and those of the statements they look at.

        Rules that look at sections in `without` are left out: that these came or went is said of
        them. So are the rules by which a section looks at its parts, and those that hold under
        other readings only.
        """
        atoms = self._subject.derivation.program.atoms
        stated = self._stated.get(section, ())
        is_branch = section in self._subject.branches
        told = [atom for atom in stated if not (is_branch and atom[0] == "met")]
        pending = [atoms[atom] for atom in told if atom not in self._facts]
        always: frozenset[Body] = frozenset([(None, frozenset())])
        rules: dict[Atom, frozenset[Body]] = {atom: always for atom in told if atom in self._facts}
        seen: set[int] = set()
        while pending:
            number = pending.pop()
            if number in seen:
                continue
            seen.add(number)
            kept = [
                rule
                for rule in self._subject.derivation.rules.get(number, ())
                if self._can_hold(rule) and not _is_about(self._body(rule), without)
            ]
            rules[self._name(number)] = frozenset(map(self._body, kept))
            for part in (abs(literal) for rule in kept for literal in rule.body):
                if self._name(part)[0] not in ("met", "reads"):
                    pending.append(part)  # noqa: PERF401  (the loop is over what it adds to)
        return rules

    def _can_hold(self, rule: Rule) -> bool:
        """Whether the readings leave a rule without a bound anything to say."""
        literals = self._subject.derivation.literals
        return rule.bound is not None or not any(
            literals[abs(part)] == (-TRUE if part > 0 else TRUE) for part in rule.body
        )

    def _body(self, rule: Rule) -> Body:
        conditions = ((self._name(abs(part)), part > 0) for part in rule.body)
        return rule.bound, frozenset(each for each in conditions if each[0][0] != "reads")

    def _name(self, number: int) -> Atom:
        """Name an atom; one that the grounder made up, by its rules."""
        if number in self._names:
            return self._names[number]
        rules = self._subject.derivation.rules.get(number, ())
        return ("step", repr(sorted(map(repr, map(self._body, rules)))))


def _is_about(body: Body, sections: set[str]) -> bool:
    """Whether a rule asks for a section that only one of two versions has."""
    return any(atom[0] == "met" and str(atom[2]) in sections for atom, _ in body[1])
