"""Routes as atoms: what each needs, whom it leads there, what it grants, and what supports it."""

from collections.abc import Iterator, Mapping

from engine.analysis.analyst import Analyst
from engine.analysis.conformance import Evidence
from engine.analysis.difference import Route
from engine.analysis.subject import Population, Stated, Subject
from engine.circuit import Literal
from engine.determination import OUTCOMES, Outcome
from engine.relations.derivation import Given
from engine.relations.statements import DIAGNOSIS
from engine.relations.values import compared_numbers, compared_values
from facts.values import Known, OneOf

_EVIDENCE = {
    "supported_by": ("supports", ("label", "guideline")),
    "limited_by": ("limits", ("label",)),
}
"""By relation: the statement that a reference makes of a use, and which kinds of reference count."""


def given_routes(analyst: Analyst, stated: Stated, day: str) -> Iterator[Given]:
    """Yield all that is said of the routes of one version, as its readings are chosen.

    Raises PolicygroundsError if they cannot all be found within the limits.
    """
    policy, version = stated.policy.number, stated.version.start
    population, evidence = analyst.with_references(stated, day)
    (subject,) = population.subjects
    yield "own", policy, stated.policy.drug
    for outcome in OUTCOMES:
        routes = analyst.routes(stated.policy, stated.version, outcome.value, stated.readings or {})
        for number, route in enumerate(routes, start=1):
            name = f"{policy}:{outcome}:{number}"
            yield "route", policy, version, name, outcome.value
            yield from _told(policy, name, route, population)
            yield from _reached(policy, name, route, subject, population)
            for relation, (statement, kinds) in _EVIDENCE.items():
                for each in evidence:
                    if each.reference.kind in kinds:
                        for section in _spoken_of(each, statement, route, population):
                            yield relation, policy, name, each.reference.name, section


def _told(policy: str, name: str, route: Route, population: Population) -> Iterator[Given]:
    """Yield what a route is made of."""
    if route.pathway is not None:
        yield "under", policy, name, route.pathway
    for section in route.sections:
        yield "carried_by", policy, name, section
    for fact, comparison, value in compared_values(route.facts):
        yield "needs_value", policy, name, fact, comparison, value
    facts = population.vocabulary.facts
    for fact, comparison, number in compared_numbers(route.facts, facts):
        yield "needs_number", policy, name, fact, comparison, number


def _reached(
    policy: str, name: str, route: Route, subject: Subject, population: Population
) -> Iterator[Given]:
    """Yield the diagnoses that patients of a route can have, and what they can be given."""
    there = inside(population, route.facts)
    diagnosis = population.vocabulary.facts.get(DIAGNOSIS)
    for value in diagnosis.values if diagnosis else ():
        having = inside(population, {DIAGNOSIS: OneOf(frozenset([value]))})
        if population.patients.find(*there, *having) is not None:
            yield "reaches", name, value
    if route.outcome == Outcome.APPROVE:
        for values, literal in subject.values("months").items():
            if population.patients.find(*there, literal) is not None:
                yield "authorizes", policy, name, *values
    for part in ("basis", "refer_to"):
        for values, literal in subject.values(part).items():
            if population.patients.find(*there, literal) is not None:
                yield "answers", policy, name, part, *values


def _spoken_of(
    evidence: Evidence, statement: str, route: Route, population: Population
) -> Iterator[str]:
    """Yield the sections of a reference that speak of the use of some patients of a route."""
    there = inside(population, route.facts)
    for section, literal in evidence.literals(statement).items():
        if population.patients.find(*there, literal) is not None:
            yield section


def inside(population: Population, known: Mapping[str, Known]) -> list[Literal]:
    """Return the literals that hold for the patients of whom so much is known."""
    circuit = population.circuit
    possible = list(circuit.all_values)
    population.inputs.confine(possible, known)
    return [
        circuit.holding(place, values)
        for place, values in enumerate(possible)
        if values != circuit.all_values[place]
    ]


def given_grounds(analyst: Analyst, stated: Stated, day: str) -> Iterator[Given]:
    """Yield which criteria of a version rest on which statements of references.

    Whoever's use the statement supports meets the criterion, and not everybody does.
    """
    population, evidence = analyst.with_references(stated, day)
    (subject,) = population.subjects
    patients = population.patients
    where = stated.policy.number, stated.version.start
    uses = [
        (each.reference.name, section, literal)
        for each in evidence
        for section, literal in each.literals("supports").items()
        if patients.find(literal) is not None
    ]
    for section in subject.roots_of:
        met = subject.met(section)
        if patients.find(-met) is None:
            continue
        for reference, cited, used in uses:
            if patients.find(used, -met) is None:
                yield "rests_on", *where, section, reference, cited
