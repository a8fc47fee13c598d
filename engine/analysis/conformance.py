"""Findings about evidence: where a policy leaves the label and the guidelines, and where those part.

A reference supports a use, prefers it, or limits it; a policy approves it, refers or denies. Support
comes from a label or a guideline; a limit from the label. Each is asked over every patient whom
policy and references can tell apart.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import permutations, product

from engine.analysis.answers import deciding, pair_of_witnesses, using
from engine.analysis.finding import Finding, FindingKind, Severity, Witness
from engine.analysis.patients import Patient
from engine.analysis.regions import Region, cover
from engine.analysis.renewal import INITIAL, phase
from engine.analysis.report import Report, listed
from engine.analysis.subject import Population, ends, outcomes
from engine.circuit import TRUE, Derivation, Literal
from engine.determination import Outcome
from engine.inputs import Domain, runs
from engine.policy import Version, section_order
from engine.references import Reference, contradictions
from engine.statements import CONDITIONS
from facts.values import Bounds, Known
from facts.vocabulary import Fact

SHOWN = 3
"""Regions shown for a finding, the shortest of the first found."""
TRIED = 12
"""Regions found to choose these from."""
DOSE = "weekly_dose_mg"
"""The fact that is made of capsules."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One version of a reference on the circuit of a population."""

    reference: Reference
    version: Version
    derivation: Derivation

    def literals(self, statement: str) -> dict[str, Literal]:
        """Return the sections that support, prefer or limit a use, with their literals."""
        return {
            str(atom[2]): self.derivation.literal(atom)
            for atom in self.derivation.program.possible(statement)
        }

    def cited(self, section: str) -> str:
        """Name a section of the reference."""
        return f"{self.reference.name} {self.version.start}, {section}"


def in_force(
    references: Iterable[Reference], policy_version: Version, drug: str
) -> list[tuple[Reference, Version]]:
    """Return the references on a drug, as they stood last while a version of a policy was in force."""
    found = []
    start, until = policy_version.start, policy_version.until
    for reference in references:
        versions = [
            version
            for version in reference.versions
            if (until is None or version.start < until)
            and (version.until is None or version.until > start)
        ]
        if reference.subject == drug and versions:
            found.append((reference, versions[-1]))
    return found


def check_conformance(report: Report, evidence: Sequence[Evidence]) -> Iterator[Finding]:
    """Find where a version approves, refers or denies otherwise than the evidence says."""
    labels = [each for each in evidence if each.reference.kind == "label"]
    guidelines = [each for each in evidence if each.reference.kind == "guideline"]
    yield from _beyond_label(report, labels)
    yield from _unsupported(report, [*labels, *guidelines])
    yield from _preferred(report, guidelines)
    for each in guidelines:
        yield from _stricter(report, each)
        yield from _looser(report, each, [*labels, *guidelines])
    yield from _contradicting(report, evidence)
    yield from _unreachable_doses(report, labels)


def _beyond_label(report: Report, labels: Iterable[Evidence]) -> Iterator[Finding]:
    subject = report.subject
    for each in labels:
        for (section, limited), pathway in product(
            each.literals("limits").items(), subject.pathways
        ):
            witnesses = _shortest(report, [subject.approves(pathway), limited])
            if witnesses:
                yield report.finding(
                    FindingKind.BEYOND_LABEL,
                    f"{pathway}: {each.reference.name} {section}",
                    [pathway],
                    f"{pathway} approves some uses that the label limits ({each.cited(section)})",
                    witnesses,
                )


def _unsupported(report: Report, evidence: Iterable[Evidence]) -> Iterator[Finding]:
    subject = report.subject
    unsupported = _nowhere_supported(evidence)
    for pathway in subject.pathways:
        witnesses = _shortest(report, [subject.approves(pathway), *unsupported])
        if unsupported and witnesses:
            yield report.finding(
                FindingKind.UNSUPPORTED,
                pathway,
                [pathway],
                f"{pathway} approves some uses that neither the label nor a guideline supports",
                witnesses,
            )


def _nowhere_supported(evidence: Iterable[Evidence]) -> list[Literal]:
    return [-literal for each in evidence for literal in each.literals("supports").values()]


def _preferred(report: Report, guidelines: Iterable[Evidence]) -> Iterator[Finding]:
    subject, population = report.subject, report.population
    for each in guidelines:
        for section, preferred in each.literals("prefers").items():
            for outcome, literal in outcomes(subject, Outcome.APPROVE):
                shown = _regions(report, [preferred, literal])
                if not shown:
                    continue
                said = "refers" if outcome is Outcome.REFER else "denies"
                yield report.finding(
                    FindingKind.PREFERRED_NOT_APPROVED,
                    f"{outcome}: {each.reference.name} {section}",
                    [part for region, _ in shown for part in subject.sections(outcome, region)],
                    f"The policy {said} some uses that the guideline prefers ({each.cited(section)})",
                    [population.shown(subject, outcome, region) for region, _ in shown],
                )


def _stricter(report: Report, guideline: Evidence) -> Iterator[Finding]:
    """Find what the policy asks of uses that a guideline supports without asking for it."""
    subject, population = report.subject, report.population
    approve = subject.outcome(Outcome.APPROVE)
    for section, supported in guideline.literals("supports").items():
        if population.patients.find(supported) is None:
            continue
        cited = guideline.cited(section)
        if population.patients.find(supported, approve) is None:
            yield report.finding(
                FindingKind.STRICTER_THAN_GUIDELINE,
                f"{guideline.reference.name} {section}",
                [],
                f"The policy approves none of the uses that the guideline supports ({cited})",
                _shortest(report, [supported, -approve]),
            )
            continue
        asked = _turning(report, [supported, approve], [supported, -approve])
        if asked:
            words, pair = _said(report, asked)
            yield report.finding(
                FindingKind.STRICTER_THAN_GUIDELINE,
                f"{guideline.reference.name} {section}",
                {part for _, _, each in asked for part in deciding(report, each)},
                f"The policy asks more than the guideline ({cited}): it turns supported uses away for "
                f"{words}",
                _witnesses(report, pair),
            )


def _looser(report: Report, guideline: Evidence, evidence: Iterable[Evidence]) -> Iterator[Finding]:
    """Find what a guideline asks and the policy does not."""
    subject, population = report.subject, report.population
    approve = subject.outcome(Outcome.APPROVE)
    unsupported = _nowhere_supported(evidence)
    for section, supported in guideline.literals("supports").items():
        if population.patients.find(supported, approve) is None:
            continue
        ignored = _turning(report, [supported, approve], [approve, *unsupported])
        if ignored:
            words, pair = _said(report, ignored)
            approving = [
                pathway
                for pathway in subject.pathways
                if population.patients.find(
                    *_at_first(report, [supported, subject.approves(pathway)])
                )
            ]
            yield report.finding(
                FindingKind.LOOSER_THAN_GUIDELINE,
                f"{guideline.reference.name} {section}",
                approving,
                f"The policy asks less than the guideline ({guideline.cited(section)}): it still "
                f"approves with {words}",
                _witnesses(report, pair),
            )


def _turning(
    report: Report, first: Sequence[Literal], second: Sequence[Literal]
) -> list[tuple[Domain, int, tuple[Patient, Patient]]]:
    """Return the units that alone lead from the one to the other, with the values that do.

    Of first requests, where requests are told apart: guidelines speak of what to begin.
    """
    population = report.population
    circuit = population.circuit
    first, second = _at_first(report, first), _at_first(report, second)
    found = []
    for place, domain in enumerate(circuit.domains[: circuit.units_end]):
        pair = population.patients.neighbours(place, first, second)
        if pair is None or pair[0] == pair[1]:
            continue
        values = 0
        for value in range(domain.size):
            having = circuit.holding(place, 1 << value)
            if population.patients.neighbours(place, first, [*second, having]):
                values |= 1 << value
        found.append((domain, values, pair))
    return found


def _at_first(report: Report, literals: Sequence[Literal]) -> list[Literal]:
    """Limit literals to first requests, where requests are told apart."""
    initial = phase(report, INITIAL)
    return [*literals] if initial == -TRUE else [*literals, initial]


def _said(
    report: Report, turning: Sequence[tuple[Domain, int, tuple[Patient, Patient]]]
) -> tuple[str, tuple[Patient, Patient]]:
    """Say which values turn, those of one fact together; and return a pair to show, a number's first."""
    facts = report.population.vocabulary.facts
    members: dict[str, dict[str, list[str]]] = {}
    words: dict[str, list[str]] = {}
    for domain, values, _ in turning:
        said = words.setdefault(domain.unit.fact, [])
        if domain.unit.member is None:
            said.extend(_values_said(report, domain, values))
            continue
        either = " or ".join(
            word for at, word in enumerate(("without", "with")) if values >> at & 1
        )
        members.setdefault(domain.unit.fact, {}).setdefault(either, []).append(
            facts[domain.unit.fact].option_title(domain.unit.member)
        )
    for name, by_word in members.items():
        words[name] = [f"{word} {', '.join(some)}" for word, some in by_word.items()]
    text = "; ".join(f"{facts[name].title}: {', '.join(some)}" for name, some in words.items())
    numbers = [pair for domain, _, pair in turning if domain.ordered]
    return text, (numbers or [pair for _, _, pair in turning])[0]


def _values_said(report: Report, domain: Domain, values: int) -> list[str]:
    """Say some values of a fact that is no set; those of a number in runs."""
    fact = report.population.vocabulary.facts[domain.unit.fact]
    if domain.names:
        some = (name for at, name in enumerate(domain.names) if values >> at & 1)
        return [listed(map(fact.option_title, some))]
    if domain.ordered:
        if values == domain.all:
            return ["any"]
        return [_range(fact, domain.known(run, fact)) for run in runs(values)]
    return [listed(word for at, word in enumerate(("no", "yes")) if values >> at & 1)]


def _range(fact: Fact, known: Known) -> str:
    if not isinstance(known, Bounds):
        raise TypeError(fact.name)
    low, high = fact.number(known.low), fact.number(known.high)
    if known.low <= fact.lowest:
        said = f"at most {high}"
    elif known.high >= fact.highest:
        said = f"at least {low}"
    else:
        said = f"{low}" if low == high else f"{low} to {high}"
    return f"{said} {fact.unit}"


def _witnesses(report: Report, pair: tuple[Patient, Patient]) -> list[Witness]:
    """Show two patients with the outcomes they have."""
    first, second = map(report.subject.settled, pair)
    return pair_of_witnesses(report, pair, first, second)


def _contradicting(report: Report, evidence: Sequence[Evidence]) -> Iterator[Finding]:
    """Find uses that one source supports and another limits, and what sources say of each other."""
    subject, population = report.subject, report.population
    for one, other in permutations(evidence, 2):
        for limits, limited in other.literals("limits").items():
            found = [
                (supports, witness)
                for supports, supported in one.literals("supports").items()
                if (witness := population.example(subject, [supported, limited])) is not None
            ]
            if found:
                yield report.finding(
                    FindingKind.SOURCES_CONTRADICT,
                    f"{one.reference.name} and {other.reference.name} {limits}",
                    [],
                    f"Some uses that one source supports ({one.reference.name} {one.version.start}: "
                    f"{', '.join(supports for supports, _ in found)}) another one limits "
                    f"({other.cited(limits)})",
                    [witness for _, witness in found[:SHOWN]],
                    severity=Severity.NOTE,
                )
    for each in evidence:
        for stated in contradictions(each.version):
            yield report.finding(
                FindingKind.SOURCES_CONTRADICT,
                f"{each.reference.name} {stated.section} and {stated.other} {stated.other_section}",
                [],
                f"{each.cited(stated.section)} contradicts {stated.other}, {stated.other_section}: "
                f"{stated.text}",
                severity=Severity.NOTE,
            )


def _unreachable_doses(report: Report, labels: Iterable[Evidence]) -> Iterator[Finding]:
    """Find doses compared with that no number of the capsules on the market adds up to."""
    program = report.subject.derivation.program
    strengths = {
        Decimal(str(amount))
        for each in labels
        for _, _, amount, *_ in each.derivation.program.arguments("strength")
    }
    if not strengths:
        return
    compared: dict[Decimal, set[str]] = {}
    for atom, number in program.atoms.items():
        if "number" in CONDITIONS.get(str(atom[0]), ()) and atom[1] == DOSE:
            compared.setdefault(Decimal(str(atom[2])), set()).update(using(report, program, number))
    for dose, sections in sorted(compared.items()):
        if sections and not _adds_up(dose, strengths):
            capsules = listed(f"{strength:f} mg" for strength in sorted(strengths))
            criteria = sorted(sections, key=section_order)
            compare = "compares" if len(criteria) == 1 else "compare"
            yield report.finding(
                FindingKind.UNREACHABLE_DOSE,
                f"{DOSE} {dose}",
                criteria,
                f"No number of the capsules there are ({capsules}) adds up to {dose} mg, which "
                f"{listed(criteria)} {compare} the weekly dose with",
            )


def _adds_up(dose: Decimal, strengths: Iterable[Decimal]) -> bool:
    """Whether some of the strengths, taken as often as need be, add up to a dose."""
    reached, waiting = {Decimal(0)}, [Decimal(0)]
    sizes = list(strengths)
    while waiting:
        so_far = waiting.pop()
        for size in sizes:
            further = so_far + size
            if further <= dose and further not in reached:
                reached.add(further)
                waiting.append(further)
    return dose in reached


def _shortest(report: Report, literals: Sequence[Literal]) -> list[Witness]:
    """Show some prime regions of patients, the shortest of the first found."""
    return [
        report.population.shown(report.subject, outcome, region)
        for region, outcome in _regions(report, literals)
    ]


def _regions(report: Report, literals: Sequence[Literal]) -> list[tuple[Region, Outcome]]:
    """Return some prime regions of patients with their outcome, the shortest of the first found."""
    population = report.population
    if population.patients.find(*literals) is None:
        return []
    found = [
        (region, outcome)
        for outcome, literal in ends(report.subject)
        for region in cover(
            population.patients, population.circuit.all_of([*literals, literal]), most=TRIED
        )
    ]
    found.sort(key=lambda entry: (len(entry[0]), sorted(entry[0].items())))
    return found[:SHOWN]


def joined(
    population: Population, references: Iterable[tuple[Reference, Version]]
) -> list[Evidence]:
    """Put references on the circuit of a population that tells their patients apart."""
    return [
        Evidence(reference, version, population.circuit.derive(version.program))
        for reference, version in references
    ]
