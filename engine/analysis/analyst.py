"""The analyst: everything asked of policies as such, over every possible patient."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache, partial
from itertools import chain, pairwise

from engine.analysis.answers import (
    check_answers,
    check_evidence,
    check_outcomes,
    check_referrals,
    check_thresholds,
)
from engine.analysis.comparison import compared, routes
from engine.analysis.conformance import Evidence, check_conformance, in_force, joined
from engine.analysis.criteria import Dead, check_criteria
from engine.analysis.difference import Comparison, Route
from engine.analysis.finding import Finding, FindingKind
from engine.analysis.lineup import Lineup
from engine.analysis.readings import check_readings, check_readings_left_open
from engine.analysis.renewal import check_renewal
from engine.analysis.report import Report
from engine.analysis.rules import check_rules
from engine.analysis.subject import Population, Stated, Subject
from engine.circuit import TRUE, Circuit, Literal
from engine.determination import Outcome
from engine.inputs import Inputs
from engine.policy import Policy, Version, section_order
from engine.program import GroundProgram
from engine.references import Reference
from engine.solver import Budget, SolvingStoppedError
from facts.errors import PolicygroundsError
from facts.vocabulary import Vocabulary

SECONDS_FOR_A_VERSION = 120.0
"""For all findings of one version; the packaged policies take a few seconds."""


class UnprovedError(PolicygroundsError):
    """A version's circuit could not be proved equal to its program: nothing is said of it."""

    def __init__(self) -> None:
        super().__init__("a version could not be proved equal to the circuit it is analysed as")


class Analyst:
    """Checks and compares versions of policies. Not safe to share between threads."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        policies: Mapping[str, Policy],
        references: Mapping[str, Reference],
    ) -> None:
        self._vocabulary = vocabulary
        self._policies = policies
        self._references = references
        self._budget = Budget()
        self._proved: set[int] = set()
        self._lineups: dict[frozenset[str], Lineup] = {}

    def check(self, policy: Policy, version: Version, readings: Mapping[str, str]) -> list[Finding]:
        """Find what is wrong or worth knowing of one version, over every possible patient.

        A part of the check that meets a limit is itself a finding. Raises UnprovedError.
        """
        self._budget.renew(SECONDS_FOR_A_VERSION)
        self._prove(version.program)
        read = self._population([Stated(policy, version, readings)])
        left_open = self._population([Stated(policy, version, None)])
        report, open_report = (Report(each, each.subjects[0]) for each in (read, left_open))
        found: list[Finding] = []
        for part, findings in self._parts(report, open_report):
            try:
                found.extend(findings)
            except SolvingStoppedError:
                text = f"The check of {part} met a limit and was given up"
                found.append(report.finding(FindingKind.NOT_FINISHED, part, [], text))
        return sorted(found, key=_rank)

    def _parts(
        self, report: Report, open_report: Report
    ) -> Iterator[tuple[str, Iterator[Finding]]]:
        """Yield the parts of a check: what each is about, and what it finds."""
        dead = cache(partial(Dead, report))
        yield "outcomes", check_outcomes(open_report)
        yield "criteria", check_criteria(report, dead)
        yield "rules", check_rules(report, dead)
        yield "answers", check_answers(report)
        yield "referrals", chain(check_referrals(report, self._policies), self._circles(report))
        yield "evidence", check_evidence(report)
        yield "thresholds", check_thresholds(open_report, lambda: dead().sections)
        yield "readings", chain(check_readings_left_open(open_report), check_readings(report))
        yield "renewal", check_renewal(report)
        yield "texts and dates", chain(_gaps(report), _uncited(report))
        yield "conformance to references", self._conformance(report)

    def _prove(self, *programs: GroundProgram) -> None:
        """Prove of each program, once, that its circuit derives the same. Raises UnprovedError."""
        for program in programs:
            if id(program) not in self._proved:
                if not Circuit(program, Inputs(program, self._vocabulary.facts)).equals_program():
                    raise UnprovedError
                self._proved.add(id(program))

    def population(self, stated: Sequence[Stated]) -> Population:
        """Return the patients of some versions, each read as chosen. Raises UnprovedError."""
        self._budget.renew(SECONDS_FOR_A_VERSION)
        self._prove(*(each.version.program for each in stated))
        return self._population(stated)

    def with_references(self, stated: Stated, day: str) -> tuple[Population, list[Evidence]]:
        """Return the patients of a version, and the references in force on a day beside it.

        Raises UnprovedError.
        """
        held = ((each, each.version(day)) for each in self._references.values())
        known = [
            (reference, version)
            for reference, version in held
            if version is not None and reference.subject == stated.policy.drug
        ]
        programs = [version.program for _, version in known]
        self._budget.renew(SECONDS_FOR_A_VERSION)
        self._prove(stated.version.program, *programs)
        population = self._population([stated], programs)
        return population, joined(population, known)

    def _conformance(self, report: Report) -> Iterator[Finding]:
        stated = report.subject.stated
        known = in_force(self._references.values(), stated.version, stated.policy.drug)
        if known:
            programs = [held.program for _, held in known]
            self._prove(*programs)
            wider = self._population([stated], programs)
            yield from check_conformance(Report(wider, wider.subjects[0]), joined(wider, known))

    def _circles(self, report: Report) -> Iterator[Finding]:
        """Find patients whom policies refer from one to the next until they are back."""
        start = report.subject.stated
        day = start.version.start
        stated = {start.policy.number: start}
        for number, policy in self._policies.items():
            as_read = self._as_read(policy, day)
            if as_read is not None:
                stated.setdefault(number, as_read)
        targets = {number: _targets(each) & stated.keys() for number, each in stated.items()}
        back = _reaching(start.policy.number, targets)
        around = back & _reached(start.policy.number, targets)
        if around:
            others = sorted(around - {start.policy.number})
            members = [start, *(stated[number] for number in others)]
            self._prove(*(member.version.program for member in members))
            yield from _circles(Population(members, self._vocabulary, self._budget, of_first=True))

    def _population(
        self, stated: Sequence[Stated], others: Iterable[GroundProgram] = ()
    ) -> Population:
        return Population(stated, self._vocabulary, self._budget, others)

    def _as_read(self, policy: Policy, day: str) -> Stated | None:
        """Return a policy as it stands on a day, with its readings by default."""
        versions = [version for version in policy.versions if version.covers(day)]
        return Stated(policy, versions[0], policy.default_readings) if versions else None

    def compare(
        self,
        first: tuple[Policy, Version],
        second: tuple[Policy, Version],
        readings_of_first: Mapping[str, str],
        readings_of_second: Mapping[str, str],
    ) -> Comparison:
        """Find all patients where two policies, or two versions of one, part.

        A limit of time or number is said in the result.
        """
        self._budget.renew(SECONDS_FOR_A_VERSION)
        self._prove(first[1].program, second[1].program)
        stated = [Stated(*first, readings_of_first), Stated(*second, readings_of_second)]
        alike = False
        with suppress(SolvingStoppedError):
            alike = self._lineup(*stated).equivalent(*stated)
        return compared(self._population(stated), alike=alike)

    def equivalent(
        self,
        first: tuple[Policy, Version],
        second: tuple[Policy, Version],
        readings_of_first: Mapping[str, str],
        readings_of_second: Mapping[str, str],
    ) -> bool:
        """Whether two policies, or two versions of one, give every patient the same answer.

        Much quicker than to compare them: each version on the drugs of the two is read once for all
        such questions. Raises SolvingStoppedError at a limit.
        """
        self._budget.renew(SECONDS_FOR_A_VERSION)
        one, other = Stated(*first, readings_of_first), Stated(*second, readings_of_second)
        return self._lineup(one, other).equivalent(one, other)

    def _lineup(self, *stated: Stated) -> Lineup:
        """Return a lineup of all policies on the drugs of some, or of these alone if they are others."""
        if any(self._policies.get(each.policy.number) is not each.policy for each in stated):
            programs = [each.version.program for each in stated]
            return Lineup(programs, self._vocabulary, self._budget)
        key = frozenset(each.policy.drug for each in stated)
        if key not in self._lineups:
            programs = [
                version.program
                for policy in self._policies.values()
                if policy.drug in key
                for version in policy.versions
            ]
            self._lineups[key] = Lineup(programs, self._vocabulary, self._budget)
        return self._lineups[key]

    def routes(
        self, policy: Policy, version: Version, outcome: str, readings: Mapping[str, str]
    ) -> list[Route]:
        """Find every minimal way to an outcome. Raises TooManyRoutesError and UnprovedError."""
        self._budget.renew(SECONDS_FOR_A_VERSION)
        self._prove(version.program)
        stated = [Stated(policy, version, readings)]
        return list(routes(self._population(stated), Outcome(outcome)))


def _targets(stated: Stated) -> set[str]:
    """Return the policies that a version can refer to."""
    answers = stated.version.program.possible("answer")
    return {str(atom[3]) for atom in answers if atom[1] == "refer_to"}


def _reached(start: str, targets: Mapping[str, Collection[str]]) -> set[str]:
    """Return the policies that referrals from one can lead to."""
    found: set[str] = set()
    pending = [*targets[start]]
    while pending:
        number = pending.pop()
        if number not in found:
            found.add(number)
            pending.extend(targets[number])
    return found


def _reaching(end: str, targets: Mapping[str, Collection[str]]) -> set[str]:
    """Return the policies from which referrals can lead to one."""
    return {number for number in targets if end in _reached(number, targets)}


def _circles(population: Population) -> Iterator[Finding]:
    """Follow referrals from the first policy as long as some patient is served and referred so."""
    circuit = population.circuit
    first = population.subjects[0]
    served = {
        subject.number: literal
        for subject, literal in zip(population.subjects, population.valid, strict=True)
    }
    edges = {
        subject.number: {
            str(target): circuit.all_of([served[subject.number], literal])
            for (target, *_), literal in subject.values("refer_to").items()
        }
        for subject in population.subjects
    }
    pending: list[tuple[tuple[str, ...], Literal]] = [((first.number,), TRUE)]
    while pending:
        way, taken = pending.pop()
        for target, refers in sorted(edges[way[-1]].items()):
            literal = circuit.all_of([taken, refers])
            if target == first.number:
                yield from _circle(population, first, (*way, target), literal)
            elif target not in edges or target in way:
                continue
            elif population.patients.find(literal) is not None:
                pending.append(((*way, target), literal))


def _circle(
    population: Population, first: Subject, way: Sequence[str], taken: Literal
) -> Iterator[Finding]:
    witness = population.example(first, [taken])
    if witness is not None:
        circle = " to ".join(way)
        yield Report(population, first).finding(
            FindingKind.REFERRAL_CIRCLE,
            circle,
            [str(atom[2]) for atom in first.answers("refer_to") if atom[3] == way[1]],
            f"Some patients are referred in a circle: {circle}",
            [witness],
        )


def _gaps(report: Report) -> Iterator[Finding]:
    """Find days between two versions on which none is in force."""
    for one, other in pairwise(report.subject.stated.policy.versions):
        if one.until is not None and one.until < other.start:
            yield report.finding(
                FindingKind.VERSION_GAP,
                f"{one.until} to {other.start}",
                [],
                f"No version is in force from {one.until} and before {other.start}",
                repair="State the version that was in force then, or when the earlier one ended",
            )


def _uncited(report: Report) -> Iterator[Finding]:
    """Find sections that cite nothing: without words of their own."""
    stated = report.subject.stated
    if not stated.policy.source.strip():
        yield report.finding(FindingKind.NOT_CITED, "source", [], "The policy names no source")
    for section, text in stated.version.texts.items():
        if not text.strip() or not section.strip():
            yield report.finding(
                FindingKind.NOT_CITED,
                section or "(no section)",
                [section],
                f"{section or 'A section without a number'} has no text that says what it asks",
                repair="Say in your own words what the section asks",
            )


def _rank(finding: Finding) -> tuple[object, ...]:
    order = ("error", "warning", "note")
    sections = [section_order(section) for section in finding.sections]
    return (
        order.index(finding.severity.value),
        list(FindingKind).index(finding.kind),
        sections,
        finding.subject,
    )
