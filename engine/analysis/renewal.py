"""Findings about renewal: who is approved at first and never again on the same treatment.

The same treatment: what the prescriber decides and what nobody can change stay as they are, as far
as the first approval looks at them. Everything else may turn out either way.
"""

from collections.abc import Iterable, Iterator, Sequence

from engine.analysis.finding import Finding, FindingKind, Witness
from engine.analysis.patients import Patient
from engine.analysis.regions import prime_region
from engine.analysis.report import Report
from engine.circuit import TRUE, Literal
from engine.determination import Outcome
from engine.solver import SolvingStoppedError
from facts.vocabulary import Changer

REQUEST, INITIAL, CONTINUATION = "request", "initial", "continuation"
MOST_TRIED = 400
"""Patients of one phase who are looked up in the other before the search is given up."""


def check_renewal(report: Report) -> Iterator[Finding]:
    """Find patients approved in one phase whom the other can never approve."""
    population = report.population
    kept = _treatment(report, phase(report, INITIAL))
    for kind, first, second, text in (
        (
            FindingKind.NOT_RENEWABLE,
            INITIAL,
            CONTINUATION,
            "Some patients are approved at first and cannot be renewed on the same treatment",
        ),
        (
            FindingKind.RENEWABLE_ONLY,
            CONTINUATION,
            INITIAL,
            "Some patients are renewed on a treatment that could not have been approved at first",
        ),
    ):
        witness = _stranded(report, first, second, kept)
        if witness is not None:
            sections = [
                section
                for section in report.subject.pathways
                if population.patients.find(report.subject.approves(section), phase(report, second))
            ]
            yield report.finding(kind, first, sections, text, [witness])


def phase(report: Report, request: str) -> Literal:
    """Return the literal of a kind of request; one that never holds if there is no such kind."""
    population = report.population
    for place in population.places([REQUEST]):
        names = population.circuit.domains[place].names
        if request in names:
            return population.circuit.holding(place, 1 << names.index(request))
    return -TRUE


def _stranded(report: Report, first: str, second: str, kept: Sequence[int]) -> Witness | None:
    """Return a patient approved in one phase whom the other cannot approve with what is kept.

    Each patient found is looked for in the second phase; one who is there rules out all who agree
    with him in what that approval needs of the treatment.
    """
    subject, population = report.subject, report.population
    circuit, patients = population.circuit, population.patients
    approve = subject.outcome(Outcome.APPROVE)
    before, after = phase(report, first), phase(report, second)
    if patients.find(before, approve) is None or patients.find(after, approve) is None:
        return None
    approved_after = circuit.all_of([patients.valid, approve, after])
    found: list[Literal] = []
    for _ in range(MOST_TRIED):
        patient = patients.find(before, approve, *found)
        if patient is None:
            return None
        same = [circuit.holding(place, 1 << patient[place]) for place in kept]
        again = patients.find(after, approve, *same)
        if again is None:
            return _explained(report, [before, approve], [after, approve], patient, kept)
        free = [place for place in range(len(circuit.domains)) if place not in kept]
        region = prime_region(population.anyone, approved_after, again, free)
        found.append(
            -circuit.all_of(
                circuit.holding(place, values) for place, values in region.items() if place in kept
            )
        )
    raise SolvingStoppedError


def _treatment(report: Report, during: Literal) -> list[int]:
    """Return the places of what stays the same, as far as an approval in a phase looks at it."""
    population, subject = report.population, report.subject
    circuit = population.circuit
    approve = subject.outcome(Outcome.APPROVE)
    facts = population.vocabulary.facts
    return [
        place
        for place, domain in enumerate(circuit.domains[: circuit.units_end])
        if domain.unit.fact != REQUEST
        and facts[domain.unit.fact].changer in (Changer.PRESCRIBE, Changer.FIXED)
        and population.patients.neighbours(place, [during, approve], [during, -approve])
    ]


def _explained(
    report: Report,
    here: Sequence[Literal],
    there: Iterable[Literal],
    patient: Patient,
    kept: Sequence[int],
) -> Witness:
    """Show a patient by what approves him in one phase, and what bars him from the other."""
    population = report.population
    having = {place: population.circuit.holding(place, 1 << patient[place]) for place in kept}
    bars = population.patients.core(there, having) or []
    holds = population.circuit.all_of(here)
    return population.witness(report.subject, Outcome.APPROVE, holds, patient, bars)
