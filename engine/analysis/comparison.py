"""Comparisons: all patients where two versions part, in the fewest words, and every way to an outcome."""

from collections.abc import Iterator, Mapping
from itertools import product

from engine.analysis.difference import Comparison, Difference, Phase, Region, Route, Verdict
from engine.analysis.finding import Witness
from engine.analysis.partings import said, unlike
from engine.analysis.patients import Patients
from engine.analysis.regions import Region as Values
from engine.analysis.regions import cover, inside, irredundant, prime_region
from engine.analysis.renewal import REQUEST
from engine.analysis.revision import changed_sections
from engine.analysis.subject import PARTS, Population, Subject, ends
from engine.circuit import TRUE, Literal
from engine.determination import OUTCOMES, Outcome
from engine.goals import NONE
from engine.solver import SolvingStoppedError
from facts.errors import PolicygroundsError

MOST_REGIONS = 1_000
"""Regions of one difference; where there are more, this is said."""
LINE_OF_BUSINESS = "line_of_business"


class TooManyRoutesError(PolicygroundsError):
    """There are more ways to an outcome than can be listed, or than there is time for."""

    def __init__(self, policy: str, outcome: str) -> None:
        super().__init__(
            f"policy {policy}: the ways to {outcome} could not all be found within "
            f"{MOST_REGIONS:,} a pathway and the time there is"
        )


def compared(population: Population, *, alike: bool = False) -> Comparison:
    """Compare the two subjects of a population; `alike` says that their answers are proved equal.

    Where a policy gives a patient several outcomes, two that are alike part all the same.
    """
    first, second = population.subjects
    found: list[Difference] = []
    phases: list[Phase] = []
    scope, complete, anybody = "", True, True
    try:
        scope = "".join(_served_alone(population))
        anybody = population.patients.find() is not None
        found.extend(_outcomes_parted(population))
        if not alike:
            found.extend(_parts_parted(population))
        phases.extend(_phases(population, parted=bool(found)))
    except SolvingStoppedError:
        complete = False
    complete = complete and all(difference.complete for difference in found)
    verdict = _verdict(found) if anybody else Verdict.NO_COMMON_PATIENT
    if not complete and verdict is not Verdict.INCOMPARABLE:
        verdict = Verdict.UNDECIDED
    return Comparison(
        first=(first.number, first.stated.version.start),
        second=(second.number, second.stated.version.start),
        readings=(_chosen(first), _chosen(second)),
        verdict=verdict,
        differences=tuple(found),
        phases=tuple(phases) if complete else (),
        proof=_proof(population, complete=complete) + scope if anybody else _NOBODY + scope,
        complete=complete,
        sections=tuple(changed_sections(first, second)) if first.number == second.number else (),
    )


_NOBODY = "Proved: no patient is served by both, so there is nothing to compare"


def _chosen(subject: Subject) -> dict[str, str]:
    return subject.stated.policy.chosen_otherwise(subject.stated.readings or {})


def _proof(population: Population, *, complete: bool) -> str:
    circuit = population.circuit
    units = circuit.domains[: circuit.units_end]
    facts = len({domain.unit.fact for domain in units})
    over = (
        f"every patient without contradictions: {facts} facts, {len(units)} with every member of a "
        f"set, numbers told apart at {sum(len(domain.cuts) for domain in units)} thresholds"
    )
    if not complete:
        return (
            f"A limit was met: the regions listed are proved, and there may be more. Looked at was "
            f"{over}"
        )
    return f"Proved over {over}. Outside of the regions listed, the answers are the same"


def _served_alone(population: Population) -> Iterator[str]:
    """Say whether one of the two serves patients whom the other does not."""
    for place, other in ((0, 1), (1, 0)):
        if population.anyone.find(population.valid[place], -population.valid[other]) is not None:
            numbers = [subject.number for subject in population.subjects]
            yield f". {numbers[place]} also serves patients whom {numbers[other]} does not"


def _outcomes_parted(population: Population) -> Iterator[Difference]:
    first, second = population.subjects
    for (one, mine), (other, theirs) in product(_given(first), _given(second)):
        holds = population.circuit.all_of([mine, theirs])
        if one is other or population.patients.find(holds) is None:
            continue
        values, complete = _cover(population.anew(), holds)
        regions = (
            Region(
                facts=population.facts(region),
                first_sections=first.sections(one, region),
                second_sections=second.sections(other, region),
                witnesses=(
                    population.shown(first, one, _narrowed(population, 0, mine, region)),
                    population.shown(second, other, _narrowed(population, 1, theirs, region)),
                ),
            )
            for region in values
        )
        yield Difference(
            part="outcome",
            first=one.value,
            second=other.value,
            regions=tuple(regions),
            complete=complete,
        )


def _given(subject: Subject) -> list[tuple[Outcome, Literal]]:
    """Return what some cases come to, with the literals."""
    pend = Outcome.PEND
    return [
        (end, literal)
        for end, literal in ends(subject)
        if end is not pend or subject.patients.find(literal) is not None
    ]


def _narrowed(population: Population, place: int, holds: Literal, region: Values) -> Values:
    """Narrow a region until a literal holds in it for patients whom only one of the two serves.

    `place` says which of the two.
    """
    circuit, valid = population.circuit, population.valid[place]
    if valid == population.patients.valid:
        return region
    patient = population.patients.find(*inside(circuit, region))
    if patient is None:
        raise SolvingStoppedError
    holds = circuit.any_of([holds, -valid])
    return prime_region(
        population.anyone, circuit.all_of([holds, *inside(circuit, region)]), patient, region
    )


def _cover(patients: Patients, holds: Literal) -> tuple[list[Values], bool]:
    """Return prime regions that cover a literal, the shortest first; and whether all are found."""
    found: list[Values] = []
    try:
        for region in cover(patients, holds):
            if len(found) == MOST_REGIONS:
                return sorted(found, key=_length), False
            found.append(region)
        return sorted(irredundant(patients, holds, found), key=_length), True
    except SolvingStoppedError:
        return sorted(found, key=_length), False


def _length(region: Values) -> tuple[int, list[tuple[int, int]]]:
    return len(region), sorted(region.items())


def _parts_parted(population: Population) -> Iterator[Difference]:
    """Yield where both give the same outcome and differ in a part of the answer."""
    circuit = population.circuit
    first, second = population.subjects
    for part, outcome in PARTS.items():
        both = circuit.all_of(
            [population.patients.valid, first.outcome(outcome), second.outcome(outcome)]
        )
        among = Patients(circuit, both, population.budget)
        for one, other, holds in unlike(first, second, part):
            if among.find(holds) is None:
                continue
            values, complete = _cover(among, holds)
            regions = []
            for region in values:
                narrowed = circuit.all_of([both, holds, *inside(circuit, region)])
                patient = population.patients.find(narrowed)
                if patient is None:
                    raise SolvingStoppedError
                case = population.region(narrowed, patient, region)
                regions.append(
                    Region(
                        facts=population.facts(region),
                        first_sections=_cited(first, part, one),
                        second_sections=_cited(second, part, other),
                        witnesses=_both(population, outcome, case),
                    )
                )
            yield Difference(
                part=part, first=one, second=other, regions=tuple(regions), complete=complete
            )


def _both(population: Population, outcome: Outcome, case: Values) -> tuple[Witness, Witness]:
    first, second = population.subjects
    mine, theirs = (
        _narrowed(population, place, subject.outcome(outcome), case)
        for place, subject in enumerate(population.subjects)
    )
    return population.shown(first, outcome, mine), population.shown(second, outcome, theirs)


def _cited(subject: Subject, part: str, value: str) -> tuple[str, ...]:
    cited = (str(atom[2]) for atom in subject.answers(part) if said(atom[3:]) == value)
    return tuple(dict.fromkeys(cited))


def _verdict(differences: list[Difference]) -> Verdict:
    order = [outcome.value for outcome in OUTCOMES]
    stricter = looser = False
    for each in differences:
        if Outcome.PEND.value in (each.first, each.second):
            stricter = looser = True
        elif each.part == "outcome":
            worse = order.index(each.first) > order.index(each.second)
            stricter, looser = stricter or worse, looser or not worse
        elif each.part == "months" and NONE not in (each.first, each.second):
            shorter = int(each.first) < int(each.second)
            stricter, looser = stricter or shorter, looser or not shorter
    if stricter or looser:
        if stricter and looser:
            return Verdict.INCOMPARABLE
        return Verdict.STRICTER if stricter else Verdict.LOOSER
    return Verdict.SAME_OUTCOMES if differences else Verdict.EQUIVALENT


def _phases(population: Population, *, parted: bool) -> Iterator[Phase]:
    """Yield how the two stand to each other for each kind of request and line of business.

    Two that are not parted anywhere are equivalent everywhere.
    """
    circuit, patients = population.circuit, population.patients
    places = [
        place
        for fact in (REQUEST, LINE_OF_BUSINESS)
        for place in population.places([fact])
        if circuit.domains[place].names
    ]
    partings = list(_partings(population)) if parted else []
    for chosen in product(*(range(circuit.domains[place].size) for place in places)):
        region = {place: 1 << value for place, value in zip(places, chosen, strict=True)}
        within = inside(circuit, region)
        if patients.find(*within) is not None:
            found = [each for each, holds in partings if patients.find(holds, *within) is not None]
            yield Phase(facts=population.facts(region), verdict=_verdict(found))


def _partings(population: Population) -> Iterator[tuple[Difference, Literal]]:
    """Yield each way in which the two can part, without regions, and whom it parts."""
    circuit = population.circuit
    first, second = population.subjects
    for (one, mine), (other, theirs) in product(_given(first), _given(second)):
        if one is not other:
            difference = Difference(part="outcome", first=one.value, second=other.value, regions=())
            yield difference, circuit.all_of([mine, theirs])
    for part, outcome in PARTS.items():
        both = [first.outcome(outcome), second.outcome(outcome)]
        for value, other_value, holds in unlike(first, second, part):
            difference = Difference(part=part, first=value, second=other_value, regions=())
            yield difference, circuit.all_of([*both, holds])


def routes(population: Population, outcome: Outcome) -> Iterator[Route]:
    """Yield prime regions that cover an outcome, for an approval those of each pathway.

    Raises TooManyRoutesError if they cannot all be found within the limits.
    """
    (subject,) = population.subjects
    ways: Mapping[str | None, Literal] = {None: subject.outcome(outcome)}
    if outcome is Outcome.APPROVE:
        ways = {
            pathway: subject.circuit.all_of([subject.approves(pathway), subject.outcome(outcome)])
            for pathway in subject.pathways
        }
    for pathway, holds in ways.items():
        if holds == -TRUE:
            continue
        values, complete = _cover(population.patients, holds)
        if not complete:
            raise TooManyRoutesError(subject.number, outcome.value)
        for region in values:
            yield Route(
                policy=subject.number,
                version=subject.stated.version.start,
                outcome=outcome.value,
                pathway=pathway,
                facts=population.facts(region),
                sections=subject.sections(outcome, region),
            )
