"""A reference as its file states it: a label, a guideline or other evidence, in dated versions.

A version is ground over the same facts as a policy. Its program derives which statements `supports`,
`prefers` or `limits` the use at hand; what holds for every patient is read here.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from engine.evidence import EVIDENCE_STATEMENTS, misstated_evidence
from engine.policy import (
    Misstatement,
    Version,
    dated,
    listing_own_drug,
    misdated,
    repeated,
    stated_twice,
)
from engine.program import GroundProgram
from engine.trials import misstated_trials
from facts.errors import did_you_mean

REFERENCE_KINDS = ("label", "guideline", "safety", "response_criteria", "trial", "article")
CATEGORIES = ("1", "2A", "2B", "3")
"""Categories of evidence and consensus, as the NCCN gives them."""
PREFERENCES = ("preferred", "other", "useful")
"""Categories of preference: preferred, other recommended, useful in certain circumstances."""

_ABOUT_A_SECTION = (
    *("reported_by", "supports", "limits", "category", "preference"),
    *("dose", "dose_reduction", "strength", "contradicts"),
    *EVIDENCE_STATEMENTS,
)


@dataclass(frozen=True, slots=True)
class Statement:
    """What one section of a reference says, in our own words.

    `reported_by` names the documents it was read in, where that is not the reference itself;
    `category` and `preference` are None where the reference gives none, or none is reported.
    """

    section: str
    text: str
    reported_by: tuple[str, ...]
    category: str | None
    preference: str | None


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A section of a reference says otherwise than another section; `text` says how."""

    section: str
    other: str
    other_section: str
    text: str


@dataclass(frozen=True, slots=True)
class Reference:
    """A document that is no payer's policy, with all its versions in order.

    Its `subject` is a drug, or the diagnosis it is on.
    """

    name: str
    kind: str
    subject: str
    title: str
    source: str
    versions: tuple[Version, ...]

    def version(self, day: str) -> Version | None:
        """Return the version in force on an ISO date; None if there is none."""
        return next((version for version in self.versions if version.covers(day)), None)


def statements(version: Version) -> Mapping[str, Statement]:
    """Return what a version of a reference states, by section."""
    program = version.program
    categories = {str(section): str(name) for _, section, name in program.arguments("category")}
    preferences = {str(section): str(name) for _, section, name in program.arguments("preference")}
    reporters: dict[str, list[str]] = {}
    for _, section, reporter in program.arguments("reported_by"):
        reporters.setdefault(str(section), []).append(str(reporter))
    return {
        str(section): Statement(
            str(section),
            str(text),
            tuple(reporters.get(str(section), ())),
            categories.get(str(section)),
            preferences.get(str(section)),
        )
        for _, section, text in program.arguments("statement")
    }


def contradictions(version: Version) -> tuple[Contradiction, ...]:
    """Return what a version of a reference says otherwise than others, or than itself elsewhere."""
    return tuple(
        Contradiction(str(section), str(other), str(other_section), str(text))
        for _, section, other, other_section, text in version.program.arguments("contradicts")
    )


def build_reference(programs: Mapping[str, GroundProgram]) -> Reference:
    """Build a reference from its ground versions, in which nothing is misstated."""
    latest = programs[max(programs)]
    ((name, kind, subject, title),) = latest.arguments("reference")
    ((_, source),) = latest.arguments("source")
    return Reference(str(name), str(kind), str(subject), str(title), str(source), dated(programs))


def reference_misstatements(programs: Mapping[str, GroundProgram]) -> Iterator[Misstatement]:
    """Find every section or version that is not whole: statement, subject and message."""
    yield from misdated(programs[max(programs)], "reference")
    for day, program in sorted(programs.items()):
        for statement, subject, message in chain(
            _misstated(program), misstated_evidence(program), misstated_trials(program)
        ):
            yield statement, subject, f"version {day}: {message}"
    yield from _uncited(programs)


def _misstated(program: GroundProgram) -> Iterator[Misstatement]:
    """Find what is wrong with the statements of one version."""
    yield from stated_twice(program, "statement")
    yield from listing_own_drug(program, "reference")
    stated = {str(section) for _, section, _ in program.arguments("statement")}
    for statement in _ABOUT_A_SECTION:
        for section in sorted({str(atom[2]) for atom in program.possible(statement)} - stated):
            yield statement, section, f"{statement} is of section {section!r}, which states nothing"
    supporting = {str(atom[2]) for atom in program.possible("supports")}
    for statement in ("category", "preference"):
        for section in repeated(program, statement):
            yield statement, section, f"{statement} of section {section!r} is stated twice"
        for section in sorted({str(atom[2]) for atom in program.possible(statement)}):
            if section in stated and section not in supporting:
                message = f"{statement} is of section {section!r}, which supports no use"
                yield statement, section, message


def _uncited(programs: Mapping[str, GroundProgram]) -> Iterator[Misstatement]:
    """Find what was read without saying where: sections at second hand, and trials themselves."""
    for _, start, _, status, _ in programs[max(programs)].arguments("version"):
        program = programs[str(start)]
        reported = {section for _, section, _ in program.arguments("reported_by")}
        for _, section, _ in program.arguments("statement"):
            if status == "reconstructed" and section not in reported:
                message = f"version {start} is reconstructed: section {section!r} needs reported_by"
                yield "statement", str(section), message
        cited = any(program.arguments("citation"))
        for name, kind, *_ in program.arguments("reference"):
            if status == "published" and kind == "trial" and not cited:
                yield "reference", str(name), f"version {start} of a trial needs its citation"


def contradicted_nowhere(references: Collection[Reference]) -> Iterator[tuple[Reference, str]]:
    """Find contradictions of what no reference states: the reference that says so, and a message."""
    known = {
        reference.name: {
            section for version in reference.versions for section in statements(version)
        }
        for reference in references
    }
    for reference in references:
        for version in reference.versions:
            for found in contradictions(version):
                if found.other not in known:
                    meant = did_you_mean(found.other, known)
                    yield reference, f"contradicts {found.other!r}, which is no reference{meant}"
                elif (found.other, found.other_section) == (reference.name, found.section):
                    yield reference, f"section {found.section!r} contradicts itself"
                elif found.other_section not in known[found.other]:
                    where = f"section {found.other_section!r} of {found.other!r}"
                    yield reference, f"contradicts {where}, which states nothing"
