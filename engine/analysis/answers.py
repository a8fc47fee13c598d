"""Findings about answers: outcomes, authorizations, referrals, evidence and thresholds."""

from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import combinations, product

from engine.analysis.finding import Finding, FindingKind, Severity, Witness
from engine.analysis.patients import Patient
from engine.analysis.regions import prime_region
from engine.analysis.report import Report, listed
from engine.analysis.subject import whole_answer
from engine.circuit import Literal
from engine.determination import OUTCOMES, Outcome
from engine.inputs import Domain
from engine.program import GroundProgram, Term
from facts.vocabulary import Changer


def check_outcomes(report: Report) -> Iterator[Finding]:
    """Find patients without an outcome, or with several; the readings are left to each patient."""
    subject, population = report.subject, report.population
    circuit, patients = population.circuit, population.patients
    literals = {outcome: subject.says(outcome) for outcome in OUTCOMES}
    without = circuit.all_of(-literal for literal in literals.values())
    kinds = [(FindingKind.NO_OUTCOME, "none", without, "Some patients get no outcome")]
    for one, other in combinations(OUTCOMES, 2):
        both = circuit.all_of([literals[one], literals[other]])
        text = f"Some patients get both {one} and {other}"
        kinds.append((FindingKind.SEVERAL_OUTCOMES, f"{one} and {other}", both, text))
    for kind, about, literal, text in kinds:
        patient = patients.find(literal)
        if patient is None:
            continue
        witness = population.witness(subject, Outcome.PEND, literal, patient)
        sections = [*subject.pathways, *subject.dispositions]
        applying = [s for s in sections if patients.find(literal, subject.applies(s))]
        yield report.finding(kind, about, applying, text, [witness])


def check_answers(report: Report) -> Iterator[Finding]:
    """Find pathways that overlap with different authorizations, and needless branches."""
    yield from _overlapping(report)
    yield from _same_referral(report)


def _overlapping(report: Report) -> Iterator[Finding]:
    subject, population = report.subject, report.population
    for one, other in combinations(subject.pathways, 2):
        if population.patients.find(subject.approves(one), subject.approves(other)) is None:
            continue
        for part in ("months", "quantity"):
            for (mine, section, here), (theirs, another, there) in product(
                _granted(report, one, part), _granted(report, other, part)
            ):
                witness = population.example(subject, [here, there]) if mine != theirs else None
                if witness is not None:
                    yield report.finding(
                        FindingKind.OVERLAPPING_PATHWAYS,
                        f"{one} and {other}: {part}",
                        [one, other, section, another],
                        f"Some patients are approved under both {one} and {other}, which grant "
                        f"different {part}: {mine} and {theirs}",
                        [witness],
                        repair=f"Say which of {one} and {other} comes first",
                    )
                    break


def _granted(report: Report, pathway: str, part: str) -> list[tuple[str, str, Literal]]:
    """Return what a pathway grants: a value, the section that says so, and who is granted it."""
    subject, circuit = report.subject, report.population.circuit
    derivation, approves = subject.derivation, subject.approves(pathway)
    granted = [
        (" ".join(map(str, atom[4:])), str(atom[2]), derivation.literal(atom))
        for atom in derivation.program.possible(part)
        if atom[3] == pathway
    ]
    if part == "months":
        granted += [
            (
                str(answer[3]),
                str(limit[2]),
                circuit.all_of(map(derivation.literal, (limit, answer))),
            )
            for limit in derivation.program.possible("months_up_to")
            for answer in subject.answers("months")
            if limit[3] == pathway and answer[2] == limit[2] and _at_most(answer[3], limit[4])
        ]
    return [(value, section, circuit.all_of([approves, who])) for value, section, who in granted]


def _at_most(number: Term, limit: Term) -> bool:
    return isinstance(number, int) and isinstance(limit, int) and number <= limit


def _same_referral(report: Report) -> Iterator[Finding]:
    """Find branches that refer to the same policy and differ in one fact."""
    subject, population = report.subject, report.population
    patients, domains = population.patients, population.circuit.domains
    derivation, refer = subject.derivation, subject.outcome(Outcome.REFER)
    found: dict[tuple[str, str, str], list[str]] = {}
    pairs: dict[tuple[str, str, str], tuple[Patient, Patient]] = {}
    for one, other in combinations(subject.answers("refer_to"), 2):
        if one[3] != other[3]:
            continue
        mine, theirs = derivation.literal(one), derivation.literal(other)
        for place, domain in enumerate(domains):
            pair = patients.neighbours(place, [refer, mine, -theirs], [refer, theirs, -mine])
            if pair is not None:
                key = (str(one[2]), str(other[2]), domain.unit.fact)
                found.setdefault(key, []).append(str(one[3]))
                pairs[key] = pair
    for (one_section, other_section, fact), targets in found.items():
        first, second = pairs[one_section, other_section, fact]
        yield report.finding(
            FindingKind.SAME_EFFECT,
            f"{one_section} = {other_section}: {fact}",
            [one_section, other_section],
            f"{one_section} and {other_section} both refer to {listed(dict.fromkeys(targets))}: for "
            f"some requests {fact} decides between them, and makes no difference",
            pair_of_witnesses(report, (first, second), Outcome.REFER, Outcome.REFER),
        )


def check_referrals(report: Report, known: Iterable[str]) -> Iterator[Finding]:
    """Find policies referred to that are not among the known ones."""
    subject, population = report.subject, report.population
    inside = set(known)
    for target in sorted({str(atom[3]) for atom in subject.answers("refer_to")} - inside):
        atoms = [atom for atom in subject.answers("refer_to") if atom[3] == target]
        referred = population.circuit.any_of(map(subject.derivation.literal, atoms))
        witness = population.example(subject, [referred, subject.outcome(Outcome.REFER)])
        if witness is None:
            continue
        yield report.finding(
            FindingKind.REFERRAL_OUTSIDE,
            target,
            [str(atom[2]) for atom in atoms],
            f"{target} is referred to, and is not in the knowledge base: what becomes of these "
            "requests cannot be checked",
            [witness],
        )


_WORSE = (
    (Outcome.APPROVE, Outcome.REFER),
    (Outcome.APPROVE, Outcome.DENY),
    (Outcome.REFER, Outcome.DENY),
)


def check_evidence(report: Report) -> Iterator[Finding]:
    """Find facts that evidence could establish, and that make an answer worse when it does."""
    subject, population = report.subject, report.population
    circuit, patients = population.circuit, population.patients
    facts = population.vocabulary.facts
    worse: dict[tuple[str, Outcome, Outcome], list[tuple[Domain, tuple[Patient, Patient]]]] = {}
    for place, domain in enumerate(circuit.domains[: circuit.units_end]):
        if (
            facts[domain.unit.fact].changer is not Changer.DOCUMENT
            or domain.names
            or domain.ordered
        ):
            continue
        for better, bad in _WORSE:
            pair = patients.neighbours(
                place,
                [circuit.holding(place, 0b01), subject.outcome(better)],
                [circuit.holding(place, 0b10), subject.outcome(bad)],
            )
            if pair is not None:
                key = (domain.unit.fact, better, bad)
                worse.setdefault(key, []).append((domain, pair))
    for (fact, better, bad), found in worse.items():
        domain, pair = found[0]
        witnesses = pair_of_witnesses(report, pair, better, bad, "without", "with")
        members = [entry.unit.member for entry, _ in found if entry.unit.member]
        about = f" ({listed(members)})" if members else ""
        yield report.finding(
            FindingKind.EVIDENCE_HURTS,
            f"{fact}: {better} to {bad}",
            deciding(report, pair),
            f"Evidence that establishes {fact}{about} turns {better} into {bad} for some patients",
            witnesses,
            severity=Severity.NOTE,
        )


def pair_of_witnesses(
    report: Report,
    pair: tuple[Patient, Patient],
    first: Outcome,
    second: Outcome,
    *shows: str,
) -> list[Witness]:
    """Show two patients by the same facts, but for the one in which they differ."""
    subject, population = report.subject, report.population
    differing = [p for p, (a, b) in enumerate(zip(*pair, strict=True)) if a != b]
    places: set[int] = set()
    for patient, outcome in zip(pair, (first, second), strict=True):
        literal = subject.outcome(outcome)
        places |= prime_region(population.patients, literal, patient, differing).keys()
    return [
        population.shown(
            subject,
            outcome,
            {place: 1 << patient[place] for place in sorted(places)},
            shows[number] if shows else "",
        )
        for number, (patient, outcome) in enumerate(zip(pair, (first, second), strict=True))
    ]


def deciding(report: Report, pair: tuple[Patient, Patient]) -> list[str]:
    """Return the criteria without parts that one of two patients meets and the other does not."""
    subject, number = report.subject, report.subject.number
    one, other = (subject.statuses({p: 1 << v for p, v in enumerate(each)}) for each in pair)
    roots = {
        root
        for root in (*subject.pathways, *subject.dispositions)
        for statuses in (one, other)
        if statuses.get(("applies", number, root), True)
    }
    return [
        section
        for section, of_roots in subject.roots_of.items()
        if section not in subject.branches
        and not roots.isdisjoint(of_roots)
        and one[("met", number, section)] is not other[("met", number, section)]
    ]


def check_thresholds(report: Report, dead: Callable[[], Collection[str]]) -> Iterator[Finding]:
    """Find thresholds of numbers at which no answer ever turns; not those of dead criteria."""
    subject, population = report.subject, report.population
    circuit, patients = population.circuit, population.patients
    facts = population.vocabulary.facts
    answers = list(whole_answer(subject))
    for place, domain in enumerate(circuit.domains[: circuit.units_end]):
        fact = domain.unit.fact
        for value, cut in enumerate(domain.cuts):
            sections = [part for part in _comparing(report, fact, cut) if part not in dead()]
            if not sections:
                continue
            below, above = circuit.holding(place, 1 << value), circuit.holding(place, 2 << value)
            turns = any(
                patients.neighbours(place, [below, sign * literal], [above, -sign * literal])
                for literal in answers
                for sign in (1, -1)
            )
            if not turns:
                number = facts[fact].number(cut)
                yield report.finding(
                    FindingKind.THRESHOLD_WITHOUT_EFFECT,
                    f"{fact} {number}",
                    sections,
                    f"No answer turns where {fact} reaches {number}, which {listed(sections)} "
                    "compares it with",
                )


def _comparing(report: Report, fact: str, cut: int) -> list[str]:
    """Return the criteria of the version whose own rules turn where a number reaches a cut."""
    program = report.subject.derivation.program
    number = program.atoms.get(("reaches", fact, cut))
    return [] if number is None else using(report, program, number)


def using(report: Report, program: GroundProgram, number: int) -> list[str]:
    """Return the criteria by whose own rules an atom is looked at, directly or through helpers."""
    subject, derivation = report.subject, report.subject.derivation
    names = {number: atom for atom, number in program.atoms.items()}
    reached, found = {number}, []
    for atom in derivation.order:
        for rule in derivation.rules.get(atom, ()):
            if any(abs(part) in reached for part in rule.body):
                name = names.get(atom, ("",))
                if name[:2] == ("met", subject.number):
                    found.append(str(name[2]))
                    break
                reached.add(atom)
    return sorted(set(found))
