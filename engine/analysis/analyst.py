"""The analyst: everything asked of policies as such, over every possible patient."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import pairwise

from engine.analysis.answers import (
    check_answers,
    check_evidence,
    check_outcomes,
    check_referrals,
    check_thresholds,
)
from engine.analysis.comparison import compared, routes
from engine.analysis.conformance import check_conformance, in_force, joined
from engine.analysis.criteria import check_criteria
from engine.analysis.difference import Comparison, Route
from engine.analysis.finding import Finding, FindingKind
from engine.analysis.lineup import Lineup
from engine.analysis.readings import check_readings, check_readings_left_open
from engine.analysis.renewal import check_renewal
from engine.analysis.report import Report
from engine.analysis.subject import Population, Stated
from engine.determination import Outcome
from engine.policy import Policy, Version, section_order
from engine.references import Reference
from engine.solver import Budget, SolvingStoppedError
from facts.vocabulary import Vocabulary

SECONDS_FOR_A_VERSION = 120.0
"""For all findings of one version; the packaged policies take a few seconds."""


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
        self._lineups: dict[frozenset[str], Lineup] = {}

    def check(self, policy: Policy, version: Version, readings: Mapping[str, str]) -> list[Finding]:
        """Find what is wrong or worth knowing of one version, over every possible patient.

        Raises SolvingStoppedError at a limit.
        """
        self._budget.renew(SECONDS_FOR_A_VERSION)
        return sorted(self._found(policy, version, readings), key=_rank)

    def _found(
        self, policy: Policy, version: Version, readings: Mapping[str, str]
    ) -> Iterator[Finding]:
        read = Population([Stated(policy, version, readings)], self._vocabulary, self._budget)
        left_open = Population([Stated(policy, version, None)], self._vocabulary, self._budget)
        report, open_report = (Report(each, each.subjects[0]) for each in (read, left_open))
        yield from check_outcomes(open_report)
        yield from check_readings_left_open(open_report)
        yield from check_criteria(report)
        yield from check_answers(report)
        yield from check_referrals(report, self._policies)
        yield from check_evidence(report)
        yield from check_thresholds(open_report)
        yield from check_readings(report)
        yield from check_renewal(report, self._budget)
        yield from _gaps(report)
        yield from _uncited(report)
        yield from self._circles(report)
        known = in_force(self._references.values(), version, policy.drug)
        if known:
            programs = [held.program for _, held in known]
            stated = Stated(policy, version, readings)
            wider = Population([stated], self._vocabulary, self._budget, programs)
            beside = Report(wider, wider.subjects[0])
            yield from check_conformance(beside, joined(wider, known))

    def _circles(self, report: Report) -> Iterator[Finding]:
        """Find patients whom policies refer from one to the next until they are back."""
        start = report.subject.stated
        pending: list[tuple[Stated, ...]] = [(start,)]
        while pending:
            way = pending.pop()
            answers = way[-1].version.program.possible("answer")
            for target in sorted({str(atom[3]) for atom in answers if atom[1] == "refer_to"}):
                if target == start.policy.number:
                    yield from _circle(self._population(way), way)
                elif target in self._policies and target not in [s.policy.number for s in way]:
                    following = self._as_read(self._policies[target], start.version.start)
                    pending += [(*way, following)] if following else []

    def _population(self, stated: Sequence[Stated]) -> Population:
        return Population(stated, self._vocabulary, self._budget)

    def _as_read(self, policy: Policy, day: str) -> Stated | None:
        """Return a policy as it stands on a day, with its readings by default."""
        readings = {name: reading.default for name, reading in policy.readings.items()}
        versions = [version for version in policy.versions if version.covers(day)]
        return Stated(policy, versions[0], readings) if versions else None

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
        stated = [Stated(*first, readings_of_first), Stated(*second, readings_of_second)]
        alike = False
        with suppress(SolvingStoppedError):
            alike = self._lineup(first[0].drug, second[0].drug).equivalent(*stated)
        return compared(Population(stated, self._vocabulary, self._budget), alike=alike)

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
        return self._lineup(one.policy.drug, other.policy.drug).equivalent(one, other)

    def _lineup(self, *drugs: str) -> Lineup:
        """Return all versions of the policies on some drugs, lined up."""
        key = frozenset(drugs)
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
        """Find every minimal way to an outcome. Raises SolvingStoppedError at a limit."""
        self._budget.renew(SECONDS_FOR_A_VERSION)
        stated = [Stated(policy, version, readings)]
        return list(routes(Population(stated, self._vocabulary, self._budget), Outcome(outcome)))


def _circle(population: Population, way: Sequence[Stated]) -> Iterator[Finding]:
    numbers = [stated.policy.number for stated in way]
    literals = [
        population.circuit.any_of(
            subject.derivation.literal(atom)
            for atom in subject.answers("refer_to")
            if atom[3] == target
        )
        for subject, target in zip(population.subjects, [*numbers[1:], numbers[0]], strict=True)
    ]
    witness = population.example(population.subjects[0], literals)
    if witness is not None:
        report = Report(population, population.subjects[0])
        yield report.finding(
            FindingKind.REFERRAL_CIRCLE,
            " to ".join([*numbers, numbers[0]]),
            [str(atom[2]) for atom in population.subjects[0].answers("refer_to")],
            f"Some patients are referred in a circle: {' to '.join([*numbers, numbers[0]])}",
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
