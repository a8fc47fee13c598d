"""Evidence as references state it: thresholds, advice on safety, and what trials found.

Each statement is about one section of a reference. The words of the language are here, those of
medicine in the vocabulary. What sections ask of a patient is checked here for sense.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from graphlib import CycleError, TopologicalSorter

from engine.policy import Misstatement, repeated
from engine.program import Atom, GroundProgram
from facts.errors import did_you_mean

EVIDENCE_STATEMENTS: Mapping[str, tuple[str, ...]] = {
    "threshold": (
        *("reference", "section", "measurement", "change", "comparison", "amount"),
        "measured unit",
    ),
    "shows": ("reference", "section", "measurement", "result"),
    "requires_all": ("reference", "section", "section"),
    "requires_any": ("reference", "section", "section"),
    "requires_none": ("reference", "section", "section"),
    "counts_if": ("reference", "section", "measurement", "circumstance"),
    "assessments": ("reference", "section", "count"),
    "defines": ("reference", "section", "defined status"),
    "calls_for": ("reference", "section", "action"),
    "interaction": ("reference", "section", "agent"),
    "monitoring": ("reference", "section", "monitored", "timing"),
    "supportive_care": ("reference", "section", "care", "drug"),
    "adverse_reaction": ("reference", "section", "reaction", "frequency"),
    "likelihood": ("reference", "section", "likelihood"),
    "identifier": ("reference", "section", "registry", "identifier"),
    "citation": ("reference", "section", "text"),
    "phase": ("reference", "section", "phase"),
    "design": ("reference", "section", "design"),
    "population": ("reference", "section", "population"),
    "arm": ("reference", "section", "arm", "drug"),
    "patients": ("reference", "section", "arm", "count"),
    "endpoint": ("reference", "section", "endpoint", "rank"),
    "figure": (
        *("reference", "section", "measured outcome", "statistic", "relation", "amount"),
        "figure unit",
    ),
    "not_estimable": ("reference", "section", "measured outcome", "statistic"),
    "of_arm": ("reference", "section", "arm"),
    "compares_arms": ("reference", "section", "arm", "arm"),
    "interval": ("reference", "section", "level", "bound", "bound"),
    "timepoint": ("reference", "section", "amount", "time unit"),
    "subgroup": ("reference", "section", "population"),
    "grade": ("reference", "section", "grade"),
}
"""What references say of thresholds, safety and trials, each with the roles of its arguments."""

COMPARISONS = ("at_least", "more_than", "at_most", "less_than")
CHANGES = (
    *("level", "level_at_baseline", "lowest_level"),
    *("rise_from_lowest", "percent_rise_from_lowest"),
    *("fall_from_baseline", "percent_fall_from_baseline"),
)
"""What of a measurement is compared: a value, or how far it moved, in its unit or in percent of it."""
STATISTICS: Mapping[str, str] = {
    "median": "months",
    "rate": "%",
    "hazard_ratio": "ratio",
    "risk_reduction": "%",
}
"""What a figure is, each with its unit."""

WORDS: Mapping[str, tuple[str, ...]] = {
    "change": CHANGES,
    "comparison": COMPARISONS,
    "relation": ("equals", "about", *COMPARISONS),
    "circumstance": ("unmeasurable", "present_at_baseline"),
    "defined status": (
        *("stringent_complete", "complete", "very_good_partial", "partial", "minimal", "stable"),
        *("progressive", "refractory", "measurable", "high_risk", "residual_negative"),
    ),
    "action": ("start_cycle", "hold", "resume", "reduce", "stop"),
    "timing": (
        *("before_treatment", "each_month", "first_three_cycles", "each_cycle"),
        *("every_one_to_three_cycles", "during_treatment"),
    ),
    "frequency": ("most_common", "common", "uncommon", "rare"),
    "likelihood": ("A", "B", "C", "D", "E", "E*", "X"),
    "registry": ("nct", "doi", "cas"),
    "phase": ("1", "2", "3", "4"),
    "design": ("randomized", "comparative", "single_arm"),
    "rank": ("primary", "secondary"),
    "statistic": tuple(STATISTICS),
    "time unit": ("days", "weeks", "months", "years"),
    "grade": ("1", "2", "3", "4", "5"),
    "dose unit": ("mg", "mg/kg", "mg/m2"),
}
"""The words of the language itself, by role; those of medicine are terms of the vocabulary."""

TERM_SORTS = ("endpoint", "population", "reaction", "care", "agent")
"""The sorts of terms a vocabulary may state, each the role of the words it explains."""

_IDENTIFIERS: Mapping[str, tuple[str, str]] = {
    "nct": (r"NCT\d{8}", "NCT02004275"),
    "doi": (r"10\.\d{4,9}/\S+", "10.1182/bloodadvances.2024013623"),
    "cas": (r"\d{2,7}-\d{2}-\d", "1072833-77-2"),
}
_CONDITIONS = ("threshold", "shows", "requires_all", "requires_any", "requires_none")
"""Statements by which a section asks something of a patient."""
_CONDITIONAL = ("counts_if", "assessments", "defines")
"""Statements that speak of a section which asks something."""


def wrong_identifier(registry: str, identifier: str) -> str | None:
    """Say what is wrong with an identifier in a registry; None if it has the form of one."""
    form, example = _IDENTIFIERS[registry]
    if not re.fullmatch(form, identifier):
        return f"expected an identifier of {registry} such as {example!r}"
    if registry == "cas":
        *digits, check = map(int, identifier.replace("-", ""))
        if sum(place * digit for place, digit in enumerate(reversed(digits), 1)) % 10 != check:
            return f"the last digit of {identifier!r} does not check the others"
    return None


def misstated_evidence(program: GroundProgram) -> Iterator[Misstatement]:
    """Find what sections of one version ask that no patient can meet, or that is not there."""
    for statement in ("assessments", "likelihood"):
        for section in repeated(program, statement):
            yield statement, section, f"{statement} of section {section!r} is stated twice"
    yield from _conditions(program)
    yield from _parts(program)
    yield from _bounds(program)


def by_section(program: GroundProgram, statement: str) -> dict[str, list[Atom]]:
    """Return what a statement says of each section: its arguments after the section."""
    found: dict[str, list[Atom]] = {}
    for _, section, *rest in program.arguments(statement):
        found.setdefault(str(section), []).append(tuple(rest))
    return found


def _conditions(program: GroundProgram) -> Iterator[Misstatement]:
    """Find what depends on the thresholds of a section that has none."""
    asking = {section for each in _CONDITIONS for section in by_section(program, each)}
    for statement in _CONDITIONAL:
        for section in sorted(by_section(program, statement).keys() - asking):
            message = f"{statement} is of section {section!r}, which asks nothing of a patient"
            yield statement, section, message


def _parts(program: GroundProgram) -> Iterator[Misstatement]:
    """Find parts that state nothing, and sections that are parts of themselves."""
    stated = {str(section) for _, section, _ in program.arguments("statement")}
    parts: dict[str, set[str]] = {}
    for connective in ("requires_all", "requires_any", "requires_none"):
        for _, section, part in program.arguments(connective):
            parts.setdefault(str(section), set()).add(str(part))
            if part not in stated:
                meant = did_you_mean(str(part), stated)
                message = f"{connective} names section {part!r}, which states nothing{meant}"
                yield connective, str(part), message
    try:
        TopologicalSorter(parts).prepare()
    except CycleError as error:
        circle: Sequence[str] = error.args[1]
        message = f"sections are parts of each other in a circle: {' <- '.join(circle)}"
        yield "statement", circle[0], message


def _bounds(program: GroundProgram) -> Iterator[Misstatement]:
    """Find thresholds of one section that no value can meet together."""
    for section, thresholds in sorted(by_section(program, "threshold").items()):
        lower: dict[tuple[str, str, str], list[tuple[Decimal, bool]]] = {}
        upper: dict[tuple[str, str, str], list[tuple[Decimal, bool]]] = {}
        for measurement, change, comparison, amount, unit in thresholds:
            ends = lower if comparison in ("at_least", "more_than") else upper
            beyond = comparison in ("more_than", "less_than")
            end = (Decimal(str(amount)), beyond)
            ends.setdefault((str(measurement), str(change), str(unit)), []).append(end)
        for compared in sorted(lower.keys() & upper.keys()):
            least, above = max(lower[compared])
            most, below = min(upper[compared], key=lambda end: (end[0], not end[1]))
            if least > most or (least == most and (above or below)):
                message = (
                    f"no {compared[0]} ({compared[1]}) fits the thresholds of section {section!r}"
                )
                yield "threshold", section, message
