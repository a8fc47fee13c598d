"""A policy as its file states it: versions, criteria, readings; checked for whole structure."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from itertools import chain, pairwise
from typing import TypeAlias

from engine.program import GroundProgram
from facts.errors import UncoveredDateError

DEEPEST_TREE = 20
"""Criteria within criteria; the packaged policies have 6."""
LARGEST_TREE = 10_000
"""Criteria below one, a shared one counted each time; the packaged policies have below 200."""

Misstatement: TypeAlias = tuple[str, str, str]
"""A statement, what it speaks of, and what is wrong with it."""

CONNECTIVES = ("all_of", "any_of", "none_of", "at_least_of")
"""The statements by which a criterion has parts."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A named choice between meanings of the text; `choices` maps each to a sentence."""

    name: str
    question: str
    sections: tuple[str, ...]
    choices: Mapping[str, str]
    default: str


@dataclass(frozen=True, slots=True)
class Version:
    """One dated text of a policy or reference, in force from `start`, before `until` (None: still)."""

    start: str
    until: str | None
    status: str
    note: str
    program: GroundProgram

    @property
    def texts(self) -> Mapping[str, str]:
        """Return what every section says, in our own words."""
        return {
            str(section): str(text)
            for statement in ("criterion", "provision", "statement")
            for _, section, text in self.program.arguments(statement)
        }

    def covers(self, day: str) -> bool:
        """Whether the version is in force on an ISO date."""
        return self.start <= day and (self.until is None or day < self.until)


@dataclass(frozen=True)
class Policy:
    """A payer's policy on one drug, with all its versions in order."""

    number: str
    payer: str
    drug: str
    title: str
    source: str
    versions: tuple[Version, ...]

    def version(self, day: str) -> Version:
        """Return the version in force on an ISO date; raises UncoveredDateError."""
        for version in self.versions:
            if version.covers(day):
                return version
        windows = [f"{version.start} to {version.until or 'now'}" for version in self.versions]
        raise UncoveredDateError(self.number, day, windows)

    @cached_property
    def readings(self) -> Mapping[str, Reading]:
        """The readings of the policy, by name."""
        program = self.versions[-1].program
        sections: dict[str, list[str]] = {}
        for _, name, section in program.arguments("reading_section"):
            sections.setdefault(str(name), []).append(str(section))
        choices: dict[str, dict[str, str]] = {}
        for _, name, choice, text in program.arguments("choice"):
            choices.setdefault(str(name), {})[str(choice)] = str(text)
        defaults = {
            str(name): str(choice) for _, name, choice in program.arguments("default_choice")
        }
        return {
            str(name): Reading(
                str(name),
                str(question),
                tuple(sections.get(str(name), ())),
                choices[str(name)],
                defaults[str(name)],
            )
            for _, name, question in program.arguments("reading")
        }

    @property
    def default_readings(self) -> dict[str, str]:
        """The choice of each reading where nobody chooses otherwise."""
        return {name: reading.default for name, reading in self.readings.items()}

    def chosen_otherwise(self, readings: Mapping[str, str]) -> dict[str, str]:
        """Return those of some readings that are not chosen as by default, sorted."""
        defaults = self.default_readings
        return {n: choice for n, choice in sorted(readings.items()) if choice != defaults[n]}


def build_policy(programs: Mapping[str, GroundProgram]) -> Policy:
    """Build a policy from its ground versions, in which nothing is misstated."""
    latest = programs[max(programs)]
    ((number, payer, drug, title),) = latest.arguments("policy")
    ((_, source),) = latest.arguments("source")
    return Policy(str(number), str(payer), str(drug), str(title), str(source), dated(programs))


def dated(programs: Mapping[str, GroundProgram]) -> tuple[Version, ...]:
    """Return the versions of a policy or reference, in order."""
    return tuple(
        Version(
            str(start),
            None if until == "open" else str(until),
            str(status),
            str(note),
            programs[str(start)],
        )
        for _, start, until, status, note in programs[max(programs)].arguments("version")
    )


def misstatements(programs: Mapping[str, GroundProgram]) -> Iterator[Misstatement]:
    """Find every section, version or reading that is not whole: statement, subject and message."""
    latest = programs[max(programs)]
    yield from misdated(latest, "policy")
    yield from _misread(latest)
    yield from stated_twice(latest, "criterion")
    yield from stated_twice(latest, "provision")
    for day, program in sorted(programs.items()):
        for statement, subject, message in chain(
            _malformed(program),
            listing_own_drug(program, "policy"),
            _unassigned(program),
            _rootless(program),
            _tangled(program),
        ):
            yield statement, subject, f"version {day}: {message}"
    linked = {part for program in programs.values() for part in _linked(program)}
    for section in _sections(latest, "criterion"):
        if section not in linked:
            message = f"criterion {section!r} is part of no pathway, disposition or other criterion"
            yield "criterion", section, message


def misdated(program: GroundProgram, document: str) -> Iterator[Misstatement]:
    """Find what is wrong with the name, source and versions of a policy or reference."""
    for statement in (document, "source"):
        stated = list(program.arguments(statement))
        if len(stated) != 1:
            name = next(program.arguments(document))[0]
            yield statement, str(name), f"{statement} is stated {len(stated)} times, not once"
    windows = [(str(start), str(until)) for _, start, until, *_ in program.arguments("version")]
    for start, until in windows:
        if until != "open" and until <= start:
            yield "version", start, f"version {start} ends on {until}, before it begins"
    for (start, until), (following, _) in pairwise(windows):
        if following == start:
            yield "version", start, f"version {start} is stated twice"
        elif until == "open" or until > following:
            message = f"version {start} overlaps the next, which begins on {following}"
            yield "version", start, message


def repeated(program: GroundProgram, statement: str) -> list[str]:
    """Return the sections of which a statement says more than one thing."""
    sections = Counter(str(arguments[1]) for arguments in program.arguments(statement))
    return sorted(section for section, times in sections.items() if times > 1)


def stated_twice(program: GroundProgram, statement: str) -> Iterator[Misstatement]:
    """Find sections with two texts."""
    for section in repeated(program, statement):
        yield statement, section, f"{statement} {section!r} is stated twice with different texts"


def _misread(program: GroundProgram) -> Iterator[Misstatement]:
    """Find readings that are not a question with several choices and one default."""
    readings = Counter(str(name) for _, name, _ in program.arguments("reading"))
    choices: dict[str, set[str]] = {}
    for _, name, choice, _ in program.arguments("choice"):
        choices.setdefault(str(name), set()).add(str(choice))
    defaults: dict[str, list[str]] = {}
    for _, name, choice in program.arguments("default_choice"):
        defaults.setdefault(str(name), []).append(str(choice))
    sections = {str(name) for _, name, _ in program.arguments("reading_section")}
    for name in sorted({*readings, *choices, *defaults, *sections}):
        if readings[name] != 1:
            statement = "reading" if readings[name] else "choice"
            yield statement, name, f"reading {name!r} is stated {readings[name]} times, not once"
        if len(choices.get(name, ())) < 2:
            yield "reading", name, f"reading {name!r} has fewer than two choices"
        default = defaults.get(name, [])
        if len(default) != 1:
            yield "reading", name, f"reading {name!r} has {len(default)} default choices, not one"
        elif default[0] not in choices.get(name, ()):
            message = f"reading {name!r}: the default {default[0]!r} is none of its choices"
            yield "default_choice", name, message


def _malformed(program: GroundProgram) -> Iterator[Misstatement]:
    """Find what is wrong with the criteria of one version."""
    criteria = set(_sections(program, "criterion"))
    stated = criteria | set(_sections(program, "provision"))
    connected: dict[str, set[str]] = {}
    for connective in CONNECTIVES:
        for _, section, *count, part in program.arguments(connective):
            connected.setdefault(str(section), set()).add(f"{connective} {count}")
            for name in (str(section), str(part)):
                if name not in criteria:
                    message = (
                        f"{connective} names section {name!r}, for which no criterion is stated"
                    )
                    yield connective, name, message
    for section, connectives in sorted(connected.items()):
        if len(connectives) > 1:
            yield "criterion", section, f"criterion {section!r} has parts of more than one kind"
    heads = {head for rule in program.rules for head in rule.head}
    ruled = {
        str(atom[2])
        for atom in program.possible("met")
        if atom in program.facts or program.atoms[atom] in heads
    }
    for section in sorted((_in_tree(program) & criteria) - connected.keys() - ruled):
        message = f"criterion {section!r} has neither parts nor a rule by which it can be met"
        yield "criterion", section, message
    for statement in ("advises", "denies", "refers", "months", "months_up_to", "quantity"):
        for section in sorted({str(atom[2]) for atom in program.possible(statement)} - stated):
            message = f"{statement} cites section {section!r}, which has no criterion or provision"
            yield statement, section, message


def listing_own_drug(program: GroundProgram, document: str) -> Iterator[Misstatement]:
    """Find combinations of one version that list the document's own drug among its partners."""
    own = {drug for _, _, drug, _ in program.arguments(document)}
    for _, section, option, drug in program.arguments("combination"):
        if drug in own:
            message = f"combination {option!r} of section {section!r} lists the {document}'s own drug: leave it out"
            yield "combination", str(option), message


def _unassigned(program: GroundProgram) -> Iterator[Misstatement]:
    """Find durations and quantities of one version that belong to no pathway."""
    pathways = _sections(program, "pathway")
    for statement in ("months", "months_up_to", "quantity"):
        for section in sorted({str(atom[3]) for atom in program.possible(statement)}):
            if section not in pathways:
                message = f"{statement} is for section {section!r}, which is no pathway"
                yield statement, section, message


def _rootless(program: GroundProgram) -> Iterator[Misstatement]:
    """Find pathways and dispositions of one version that are not whole, or that there are none."""
    criteria = set(_sections(program, "criterion"))
    if not _sections(program, "pathway"):
        yield "pathway", "", "the policy states no pathway"
    applied = {str(atom[2]) for atom in program.possible("applies")}
    for root in ("pathway", "disposition"):
        for section in _sections(program, root):
            if section not in criteria:
                yield root, section, f"{root} {section!r} has no criterion"
            if section not in applied:
                yield root, section, f"{root} {section!r} has no rule by which it can apply"


def _tangled(program: GroundProgram) -> Iterator[Misstatement]:
    """Find criteria that are parts of themselves, and trees too deep or too large to show."""
    parts_of = {section: branch.parts for section, branch in branches(program).items()}
    for _, section, least, _ in program.arguments("at_least_of"):
        there_are = len(parts_of[str(section)])
        if int(least) > there_are:
            message = f"criterion {section!r} needs {least} of {there_are} parts: it is never met"
            yield "at_least_of", str(section), message
    try:
        sections = tuple(TopologicalSorter(parts_of).static_order())
    except CycleError as error:
        circle: Sequence[str] = error.args[1]
        message = f"criteria are parts of each other in a circle: {' <- '.join(circle)}"
        yield "criterion", circle[0], message
        return
    depth: dict[str, int] = {}
    size: dict[str, int] = {}
    for section in sections:
        below = parts_of.get(section, ())
        depth[section] = 1 + max((depth[part] for part in below), default=0)
        size[section] = 1 + sum(size[part] for part in below)
        if depth[section] > DEEPEST_TREE:
            message = f"criterion {section!r} has parts nested more than {DEEPEST_TREE} deep"
            yield "criterion", section, message
            return
        if size[section] > LARGEST_TREE:
            message = f"criterion {section!r} has more than {LARGEST_TREE:,} parts, shared ones counted again"
            yield "criterion", section, message
            return


def _sections(program: GroundProgram, statement: str) -> list[str]:
    return sorted({str(arguments[1]) for arguments in program.arguments(statement)})


def _linked(program: GroundProgram) -> Iterator[str]:
    """Yield the sections that are the root or a part of something."""
    yield from _sections(program, "pathway")
    yield from _sections(program, "disposition")
    for connective in CONNECTIVES:
        for arguments in program.arguments(connective):
            yield str(arguments[-1])


def _in_tree(program: GroundProgram) -> set[str]:
    """Return the sections below the pathways and dispositions of one version, the roots included."""
    made_of = branches(program)
    found: set[str] = set()
    pending = _sections(program, "pathway") + _sections(program, "disposition")
    while pending:
        section = pending.pop()
        if section not in found:
            found.add(section)
            pending.extend(made_of[section].parts if section in made_of else ())
    return found


@dataclass(frozen=True, slots=True)
class Branch:
    """What a criterion is made of: how many of its parts must be met, and the parts in order.

    `needs` is all, any, none or at least K; None for a criterion without parts.
    """

    needs: str | None
    parts: tuple[str, ...]


def branches(program: GroundProgram) -> Mapping[str, Branch]:
    """Return the criteria of one version that have parts, by section."""
    needs: dict[str, str] = {}
    parts: dict[str, set[str]] = {}
    for connective in CONNECTIVES:
        for _, section, *least, part in program.arguments(connective):
            words = f"at least {least[0]}" if least else connective.removesuffix("_of")
            needs[str(section)] = words
            parts.setdefault(str(section), set()).add(str(part))
    return {
        section: Branch(needs[section], tuple(sorted(parts[section], key=section_order)))
        for section in sorted(parts)
    }


def section_order(section: str) -> list[tuple[int, str]]:
    """Order sections as documents do: 2 before 10, and footnotes (*) last."""
    pieces = re.findall(r"\d+|\D+", section.replace("*", "~"))
    return [(int(piece), "") if piece.isdigit() else (0, piece) for piece in pieces]
