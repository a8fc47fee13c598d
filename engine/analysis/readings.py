"""Findings about readings: whether an outcome hangs on them, and which way they move it."""

from collections.abc import Iterator
from dataclasses import replace

from engine.analysis.finding import Finding, FindingKind, Witness
from engine.analysis.regions import prime_region
from engine.analysis.report import Report, listed
from engine.analysis.subject import Subject, outcomes, whole_answer


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

    All other readings are as the version is read.
    """
    stated = report.subject.stated
    for name, reading in sorted(stated.policy.readings.items()):
        for choice in reading.choices:
            if choice == (stated.readings or {})[name]:
                continue
            witnesses = list(_moves(report, name, choice))
            if witnesses:
                directions = listed(dict.fromkeys(witness.shows for witness in witnesses))
                yield report.finding(
                    FindingKind.READING_DECIDES,
                    f"{name}={choice}",
                    reading.sections,
                    f"Read as {choice!r}, {name!r} moves some patients from {directions}",
                    witnesses,
                )


def _moves(report: Report, name: str, choice: str) -> Iterator[Witness]:
    """Yield a patient, read both ways, for each two outcomes between which a reading moves some."""
    subject, population = report.subject, report.population
    circuit, stated = population.circuit, subject.stated
    otherwise = replace(stated, readings={**(stated.readings or {}), name: choice})
    derivation = circuit.vary(subject.derivation, otherwise.constants)
    varied = Subject(circuit, derivation, otherwise, population.patients)
    for before, literal in outcomes(subject):
        for after, moved in outcomes(varied, before):
            patient = population.patients.find(literal, moved)
            if patient is not None:
                region = prime_region(
                    population.patients, circuit.all_of([literal, moved]), patient
                )
                shows = f"{before} to {after}"
                yield population.shown(subject, before, region, shows)
                yield population.shown(varied, after, region, shows)
