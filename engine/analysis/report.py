"""What the checks of one version write their findings to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.analysis.finding import Finding, FindingKind, Severity, Witness
from engine.analysis.subject import Population, Subject
from engine.policy import section_order

SEVERITIES = {
    FindingKind.NO_OUTCOME: Severity.ERROR,
    FindingKind.SEVERAL_OUTCOMES: Severity.ERROR,
    FindingKind.REFERRAL_CIRCLE: Severity.ERROR,
    FindingKind.NOT_CITED: Severity.ERROR,
    FindingKind.NOT_FINISHED: Severity.ERROR,
    FindingKind.ALWAYS_MET: Severity.NOTE,
    FindingKind.SAME_CRITERION: Severity.NOTE,
    FindingKind.SAME_EFFECT: Severity.NOTE,
    FindingKind.REFERRAL_OUTSIDE: Severity.NOTE,
    FindingKind.READING_DECIDES: Severity.NOTE,
    FindingKind.RENEWABLE_ONLY: Severity.NOTE,
    FindingKind.EVIDENCE_HURTS: Severity.NOTE,
}
"""What is no error and no note is a warning."""


@dataclass(frozen=True, slots=True)
class Report:
    """One version of a policy under analysis."""

    population: Population
    subject: Subject

    def finding(
        self,
        kind: FindingKind,
        about: str,
        sections: Iterable[str],
        text: str,
        witnesses: Sequence[Witness] = (),
        repair: str | None = None,
        severity: Severity | None = None,
    ) -> Finding:
        """Make a finding about the version."""
        stated = self.subject.stated
        return Finding(
            policy=stated.policy.number,
            version=stated.version.start,
            kind=kind,
            severity=severity or SEVERITIES.get(kind, Severity.WARNING),
            subject=about,
            sections=tuple(sorted(dict.fromkeys(sections), key=section_order)),
            text=text,
            witnesses=tuple(witnesses),
            repair=repair,
            readings=stated.policy.chosen_otherwise(stated.readings or {}),
        )


def listed(names: Iterable[str]) -> str:
    """Join names as a sentence does: a, b and c."""
    *rest, last = names
    return f"{', '.join(rest)} and {last}" if rest else last
