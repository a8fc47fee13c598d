"""A policy as its file states it: versions, criteria, readings; checked for whole structure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from engine.program import GroundProgram
from facts.errors import FileProblem, KnowledgeBaseError, UncoveredDateError

_CONNECTIVES = ("all_of", "any_of", "none_of", "at_least_of")


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
    """One dated text of a policy, in force from `start` and before `until` (None: still)."""

    start: str
    until: str | None
    status: str
    note: str
    program: GroundProgram

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
        defaults = {str(name): str(choice) for _, name, choice in program.arguments("default_choice")}
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


def build_policy(programs: Mapping[str, GroundProgram], file: str) -> Policy:
    """Build a policy from its ground versions.

    Raises KnowledgeBaseError naming every section, version or reading that is not whole.
    """
    latest = programs[max(programs)]
    problems = list(_misstated(latest))
    for day, program in sorted(programs.items()):
        problems += [f"version {day}: {message}" for message in _malformed(program)]
    linked = {part for program in programs.values() for part in _linked(program)}
    problems += [
        f"criterion {section!r} is part of no pathway, disposition or other criterion"
        for section in _sections(latest, "criterion")
        if section not in linked
    ]
    if problems:
        distinct = dict.fromkeys(problems)
        raise KnowledgeBaseError([FileProblem(file, None, None, message) for message in distinct])
    ((number, payer, drug, title),) = latest.arguments("policy")
    versions = tuple(
        Version(
            str(start),
            None if until == "open" else str(until),
            str(status),
            str(note),
            programs[str(start)],
        )
        for _, start, until, status, note in latest.arguments("version")
    )
    ((_, source),) = latest.arguments("source")
    return Policy(str(number), str(payer), str(drug), str(title), str(source), versions)


def _misstated(program: GroundProgram) -> Iterator[str]:
    """Find what is wrong with the statements that hold for every version."""
    for statement in ("policy", "source"):
        stated = len(list(program.arguments(statement)))
        if stated != 1:
            yield f"{statement} is stated {stated} times, not once"
    windows = [(str(start), str(until)) for _, start, until, *_ in program.arguments("version")]
    for start, until in windows:
        if until != "open" and until <= start:
            yield f"version {start} ends on {until}, before it begins"
    for (start, until), (following, _) in zip(windows, windows[1:], strict=False):
        if following == start:
            yield f"version {start} is stated twice"
        elif until == "open" or until > following:
            yield f"version {start} overlaps the next, which begins on {following}"
    readings = [str(name) for _, name, _ in program.arguments("reading")]
    choices = [(str(name), str(choice)) for _, name, choice, _ in program.arguments("choice")]
    defaults = [(str(name), str(choice)) for _, name, choice in program.arguments("default_choice")]
    for name in sorted({*readings, *(name for name, _ in choices + defaults)}):
        if readings.count(name) != 1:
            yield f"reading {name!r} is stated {readings.count(name)} times, not once"
        if len({choice for reading, choice in choices if reading == name}) < 2:
            yield f"reading {name!r} has fewer than two choices"
        default = [choice for reading, choice in defaults if reading == name]
        if len(default) != 1:
            yield f"reading {name!r} has {len(default)} default choices, not one"
        elif (name, default[0]) not in choices:
            yield f"reading {name!r}: the default {default[0]!r} is none of its choices"
    for statement in ("criterion", "provision"):
        sections = [str(section) for _, section, _ in program.arguments(statement)]
        yield from (
            f"{statement} {section!r} is stated twice with different texts"
            for section in sorted(set(sections))
            if sections.count(section) > 1
        )


def _malformed(program: GroundProgram) -> Iterator[str]:
    """Find what is wrong with the tree of criteria of one version."""
    criteria = set(_sections(program, "criterion"))
    stated = criteria | set(_sections(program, "provision"))
    connected: dict[str, set[str]] = {}
    for connective in _CONNECTIVES:
        for _, section, *count, part in program.arguments(connective):
            connected.setdefault(str(section), set()).add(f"{connective} {count}")
            for name in (str(section), str(part)):
                if name not in criteria:
                    yield f"{connective} names section {name!r}, for which no criterion is stated"
    for section, connectives in sorted(connected.items()):
        if len(connectives) > 1:
            yield f"criterion {section!r} has parts of more than one kind"
    ruled = {str(atom[2]) for atom in program.possible("met")}
    for section in sorted(_in_tree(program) - connected.keys() - ruled):
        yield f"criterion {section!r} has neither parts nor a rule by which it can be met"
    if not _sections(program, "pathway"):
        yield "the policy states no pathway"
    applied = {str(atom[2]) for atom in program.possible("applies")}
    for root in ("pathway", "disposition"):
        for section in _sections(program, root):
            if section not in criteria:
                yield f"{root} {section!r} has no criterion"
            if section not in applied:
                yield f"{root} {section!r} has no rule by which it can apply"
    for statement in ("advises", "denies", "refers", "months", "months_up_to", "quantity"):
        for section in sorted({str(atom[2]) for atom in program.possible(statement)} - stated):
            yield f"{statement} cites section {section!r}, which has no criterion or provision"


def _sections(program: GroundProgram, statement: str) -> list[str]:
    return sorted({str(arguments[1]) for arguments in program.arguments(statement)})


def _linked(program: GroundProgram) -> Iterator[str]:
    """Yield the sections that are the root or a part of something."""
    yield from _sections(program, "pathway")
    yield from _sections(program, "disposition")
    for connective in _CONNECTIVES:
        for arguments in program.arguments(connective):
            yield str(arguments[-1])


def _in_tree(program: GroundProgram) -> set[str]:
    """The sections below the pathways and dispositions of one version, the roots included."""
    found: set[str] = set()
    pending = _sections(program, "pathway") + _sections(program, "disposition")
    while pending:
        section = pending.pop()
        if section not in found:
            found.add(section)
            pending.extend(parts(program, section))
    return found


def parts(program: GroundProgram, section: str) -> Sequence[str]:
    """The parts of a criterion in one version, in the order of their numbers."""
    found = [
        str(arguments[-1])
        for connective in _CONNECTIVES
        for arguments in program.arguments(connective)
        if arguments[1] == section
    ]
    return sorted(found, key=section_order)


def section_order(section: str) -> list[tuple[int, str]]:
    """Order sections as documents do: 2 before 10, and footnotes (*) last."""
    pieces = re.findall(r"\d+|\D+", section.replace("*", "~"))
    return [(int(piece), "") if piece.isdigit() else (0, piece) for piece in pieces]
