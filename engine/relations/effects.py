"""Effects as atoms: whom a new version moves, and whom a reading does."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise

from engine.analysis.analyst import Analyst
from engine.analysis.revision import changed_sections
from engine.analysis.subject import Population, Stated, Subject, ends
from engine.policy import Policy
from engine.relations.derivation import Given


def given_changes(analyst: Analyst, policy: Policy, readings: Mapping[str, str]) -> Iterator[Given]:
    """Yield what each version of a policy says otherwise than the one before, and whom it moves."""
    for earlier, later in pairwise(policy.versions):
        population = analyst.population(
            [Stated(policy, each, readings) for each in (earlier, later)]
        )
        first, second = population.subjects
        where = policy.number, earlier.start, later.start
        for change in changed_sections(first, second):
            yield "changed", *where, change.section, change.change.value
        for before, after in _moves(population, first, second):
            yield "moves", *where, before, after


def given_reading_effects(analyst: Analyst, stated: Stated) -> Iterator[Given]:
    """Yield the outcomes between which patients move if one reading is chosen otherwise."""
    chosen = stated.readings or {}
    others = [
        (name, choice)
        for name, reading in sorted(stated.policy.readings.items())
        for choice in sorted(reading.choices)
        if choice != chosen[name]
    ]
    varied = [replace(stated, readings={**chosen, name: choice}) for name, choice in others]
    population = analyst.population([stated, *varied])
    as_chosen, *read_otherwise = population.subjects
    where = stated.policy.number, stated.version.start
    for (name, choice), subject in zip(others, read_otherwise, strict=True):
        for before, after in _moves(population, as_chosen, subject):
            yield "decides", *where, name, choice, before, after


def _moves(population: Population, first: Subject, second: Subject) -> Iterator[tuple[str, str]]:
    """Yield two outcomes if some patient gets the one from the first and the other from the second."""
    for before, had in ends(first):
        for after, has in ends(second):
            if before is not after and population.patients.find(had, has) is not None:
                yield before.value, after.value
