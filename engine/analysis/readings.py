"""Findings about readings: whether an answer hangs on them, and which way they move it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from engine.analysis.finding import Finding, FindingKind, Witness
from engine.analysis.partings import unlike
from engine.analysis.regions import prime_region
from engine.analysis.report import Report, listed
from engine.analysis.subject import PARTS, Subject, outcomes, whole_answer
from engine.circuit import Literal
from engine.determination import Outcome
from engine.goals import NONE


def check_readings_left_open(report: Report) -> Iterator[Finding]:
    """Find readings on which no answer hangs, whatever the others are.

    The population leaves the readings to each patient.
    """
    subject, population = report.subject, report.population
    domains, units_end = population.circuit.domains, population.circuit.units_end
    for place, domain in enumerate(domains[units_end:], start=units_end):
        name = domain.unit.fact
        reading = subject.stated.policy.readings[name]
        moves = any(
            population.patients.neighbours(place, [literal], [-literal])
            for literal in whole_answer(subject)
        )
        if not moves:
            yield report.finding(
                FindingKind.READING_WITHOUT_EFFECT,
                name,
                reading.sections,
                f"No answer hangs on the reading {name!r}, whatever the other readings are",
                repair="Take the reading out, or date it if it belongs to other versions",
            )


def check_readings(report: Report) -> Iterator[Finding]:
    """Find for each reading which outcomes it moves to which, with a patient for each.

    All other readings are as the version is read. Where no outcome moves to another, it is found
    which parts of the answer do.
    """
    stated = report.subject.stated
    for name, reading in sorted(stated.policy.readings.items()):
        for choice in reading.choices:
            if choice == (stated.readings or {})[name]:
                continue
            varied = _read_otherwise(report, name, choice)
            moves = "moves some patients from"
            witnesses = list(_outcomes_moved(report, varied))
            if not witnesses:
                moves = "moves, for some patients, a part of the answer alone:"
                witnesses = list(_parts_moved(report, varied))
            if witnesses:
                directions = listed(dict.fromkeys(witness.shows for witness in witnesses))
                yield report.finding(
                    FindingKind.READING_DECIDES,
                    f"{name}={choice}",
                    reading.sections,
                    f"Read as {choice!r}, {name!r} {moves} {directions}",
                    witnesses,
                )


def _read_otherwise(report: Report, name: str, choice: str) -> Subject:
    subject, circuit = report.subject, report.population.circuit
    stated = subject.stated
    otherwise = replace(stated, readings={**(stated.readings or {}), name: choice})
    derivation = circuit.vary(subject.derivation, otherwise.constants)
    return Subject(circuit, derivation, otherwise, report.population.patients)


def _outcomes_moved(report: Report, varied: Subject) -> Iterator[Witness]:
    """Yield a patient, read both ways, for each two outcomes between which some are moved."""
    for before, literal in outcomes(report.subject):
        for after, moved in outcomes(varied, before):
            yield from _read_both_ways(
                report, varied, (before, after), [literal, moved], f"{before} to {after}"
            )


def _parts_moved(report: Report, varied: Subject) -> Iterator[Witness]:
    """Yield a patient, read both ways, for each direction in which a part of an answer is moved."""
    subject = report.subject
    for part, outcome in PARTS.items():
        both = [subject.outcome(outcome), varied.outcome(outcome)]
        shown = set[object]()
        for one, other, holds in unlike(subject, varied, part):
            direction = _direction(part, one, other)
            if direction in shown:
                continue
            shows = f"{part} from {one} to {other}"
            found = _read_both_ways(report, varied, (outcome,) * 2, [*both, holds], shows)
            if found:
                shown.add(direction)
                for witness, value in zip(found, (one, other), strict=True):
                    yield replace(witness, parts={part: value})


def _direction(part: str, one: str, other: str) -> object:
    """Return what is shown once: of months whether they become fewer, else from what to what."""
    if part == "months" and NONE not in (one, other):
        return int(other) < int(one)
    return one, other


def _read_both_ways(
    report: Report,
    varied: Subject,
    ends: tuple[Outcome, Outcome],
    literals: Sequence[Literal],
    shows: str,
) -> list[Witness]:
    """Return a patient of whom all literals hold, as read and as read otherwise; none if none is."""
    population = report.population
    patient = population.patients.find(*literals)
    if patient is None:
        return []
    region = prime_region(population.patients, population.circuit.all_of(literals), patient)
    return [
        population.shown(subject, outcome, region, shows)
        for subject, outcome in zip((report.subject, varied), ends, strict=True)
    ]
